"""Attach files: what an agent uploads to a conversation, and the files that a reply names."""

from collections.abc import Sequence

from application.commands import Command, Commands, demand_revision
from application.exchange.media import MediaBroken, MediaStore, StoredMedia, attachment_of
from application.log import Claim
from application.use_cases.conversation_desk import Desk
from domain.conversation import demand_open
from domain.customer import Customer
from domain.interaction import Attachment, demand_holder
from domain.outbound.files import FileNotTaken, FileUnknown, demand_file


class AttachFiles:
    """A file is brought for a customer by a claim alone: nothing happened to them until a reply carries it."""

    def __init__(self, commands: Commands, desk: Desk, store: MediaStore) -> None:
        self._commands = commands
        self._desk = desk
        self._store = store

    async def add(
        self,
        command: Command,
        customer_id: str,
        conversation_id: str,
        agent_id: str,
        body: bytes,
        declared_type: str,
    ) -> StoredMedia:
        """Keeps the file; its digest is what replies to this customer name it by. Safe to repeat.

        Raises ConversationUnknown, RevisionStale, ConversationIsClosed, NotTheHolder, ChannelTakesNoReplies,
        FileNotTaken, MediaNotStored, LogBusy, LogUnreachable.
        """
        customer: Customer
        customer, _ = await self._commands.states.load(customer_id)
        one = customer.conversation(conversation_id)
        demand_revision(command, one.revision)
        demand_open(one)
        demand_holder(one, agent_id)
        limits = self._desk.limits(one)
        if not body:
            raise FileNotTaken("file: it is empty")
        stored = await self._store.put(body, declared_type)
        demand_file(one.channel, limits.files, attachment_of(stored), "file")
        await self._commands.log.append([], [self._brought(customer_id, stored.digest)], context=command.context)
        return stored

    async def found(self, customer_id: str, named: Sequence[tuple[str, str]]) -> tuple[Attachment, ...]:
        """The files by their digests, each with the name that it is to have: uploaded for the customer, or once sent
        to or by them. Each is read, so that a reply never carries what is not there.

        Raises FileUnknown, MediaNotStored.
        """
        ways = [
            (self._brought(customer_id, digest), self._commands.claim_keys.media(customer_id, digest))
            for digest, _ in named
        ]
        keys = [claim.key for way in ways for claim in way]
        taken = await self._commands.log.claimed(keys) if keys else {}
        attachments: list[Attachment] = []
        for nth, ((digest, name), way) in enumerate(zip(named, ways, strict=True)):
            stored = await self._kept(digest) if any(claim.key in taken for claim in way) else None
            if stored is None:
                raise FileUnknown(f"attachments[{nth}].media_id: nobody brought such a file for this customer")
            attachments.append(attachment_of(stored, name))
        return tuple(attachments)

    async def _kept(self, digest: str) -> StoredMedia | None:
        try:
            found = await self._store.get(digest)
        except MediaBroken:
            return None
        return found[0] if found else None

    def _brought(self, customer_id: str, digest: str) -> Claim:
        return self._commands.claim_keys.once("file for", customer_id, digest)
