"""Whenever a message came with attachments that are only referenced, get them at once, before the links expire."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from application.commands import ClaimTaken, Command, Commands, Contended
from application.directory import Directory
from application.exchange.media import (
    Fetch,
    Fetched,
    Get,
    MediaBroken,
    MediaNotStored,
    MediaObserver,
    MediaRefused,
    MediaStore,
    StoredMedia,
    Why,
)
from application.log import Claim, LogBusy, LogUnreachable, UnreadableEvent
from application.policies.lanes import Lanes, Waiting
from application.positions import Positions
from domain import media
from domain.customer import Customer
from domain.event import Event, Recorded
from domain.interaction import Attachment, MessageContradicted, MessageReceived

PAUSES_SECONDS = (2.0, 10.0, 60.0, 300.0, 1_800.0)
"""Between the tries; the last one again and again."""
PAUSE_SECONDS_MAX = 60.0
"""Where our disk is full or the log in need: that is ours to mend, so it is tried for as long as it takes."""
TRIED_FOR = timedelta(hours=24)
"""From when the message came; the first refusal after that is final."""
READ_MAX = 1_000
"""Events read at once where a lane goes back for what it left."""
POSITIONS_BETWEEN_SAVES = 1_000
"""While no attachments come. Who starts after us looks at so many events again, which tell it nothing."""

logger = logging.getLogger(__name__)


class FetchMedia:
    """One lane an account: a provider that is slow, stuck or down holds up its own attachments only.

    The position that is kept stays below the oldest attachment that is not settled, so that whoever starts after us
    finds all of them again; what is settled by then is known by its claim. Two workers at once fetch twice at most and
    record once. Each lane holds 1,000 attachments in memory; what comes beyond that is read from the log again later.
    """

    name = "fetch_media"
    topics = frozenset({"conversation.message_received", "conversation.message_contradicted"})

    def __init__(
        self,
        commands: Commands,
        directory: Directory,
        fetchers: Mapping[str, Fetch],
        get: Get,
        store: MediaStore,
        positions: Positions,
        clock: Callable[[], datetime],
        observer: MediaObserver,
        *,
        bytes_max: int,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        self.lanes = Lanes(self._try, self._read_again)
        self._commands = commands
        self._directory = directory
        self._fetchers = fetchers
        self._get = get
        self._store = store
        self._positions = positions
        self._clock = clock
        self._observer = observer
        self._bytes_max = bytes_max
        self._pauses_seconds = pauses_seconds
        self._saved_at = 0

    async def start(self) -> int:
        self._saved_at = position = await self._positions.load(self.name)
        self.lanes.begin(position)
        return position

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        found = await self._open(batch)
        self.lanes.take(found, upto)
        if found or upto - self._saved_at >= POSITIONS_BETWEEN_SAVES:
            await self._positions.save(self.name, self.lanes.settled)
            self._saved_at = upto

    async def work(self) -> None:
        """Tries by itself what `take` put into the lanes; at the end it lets go of all."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.lanes.close()

    async def _read_again(self, after: int) -> tuple[list[Waiting], int]:
        try:
            batch, upto = await self._commands.log.read(after, READ_MAX, self.topics)
        except UnreadableEvent as error:  # passed, as by everybody
            return [], error.position
        return await self._open(batch), upto

    async def _open(self, batch: Sequence[Recorded]) -> list[Waiting]:
        """The attachments of these events that are not settled, in order."""
        found: dict[bytes, Waiting] = {}
        for recorded in batch:
            event = recorded.event
            if not isinstance(event, MessageReceived | MessageContradicted) or not event.content.attachments:
                continue
            first = await self._first(event)
            for index, attachment in enumerate(event.content.attachments):
                if first is not None and self._is_wanted(attachment, first.channel):
                    waiting = Waiting(first.account_id, recorded.position, index, recorded.recorded_at)
                    found[self._settlement(waiting).key] = waiting
        settled = await self._commands.log.claimed(list(found)) if found else {}
        return [waiting for key, waiting in found.items() if key not in settled]

    async def _first(self, event: MessageReceived | MessageContradicted) -> MessageReceived | None:
        """The message itself, or the one that was contradicted; None if that was erased or cannot be read."""
        if isinstance(event, MessageReceived):
            return event
        try:
            original = await self._commands.log.at(event.original_position)
        except UnreadableEvent as error:
            logger.warning("media of a message that came otherwise before are left: %s", error)
            return None
        return original.event if original and isinstance(original.event, MessageReceived) else None

    def _is_wanted(self, attachment: Attachment, channel: str) -> bool:
        """Whether its bytes came with the message, or the channel can fetch them, or a door left out too many."""
        is_to_be_had = bool(media.digest_of(attachment)) or channel in self._fetchers
        return bool(attachment.reference) and (is_to_be_had or self._is_too_large(attachment))

    def _is_too_large(self, attachment: Attachment) -> bool:
        return (attachment.size_bytes or 0) > self._bytes_max

    async def _try(self, waiting: Waiting) -> float | None:
        """Settles it if that is possible now; else in how many seconds it should be tried again."""
        pause = self._pauses_seconds[min(waiting.tries, len(self._pauses_seconds)) - 1]
        try:
            return await self._settle(waiting, pause)
        except UnreadableEvent as error:  # as nobody can read the message, nobody misses what came with it
            logger.warning("media at position %d wait: %s", waiting.position, error)
            return self._pauses_seconds[-1]
        except (MediaNotStored, LogBusy, LogUnreachable, Contended) as error:
            logger.warning("media at position %d wait: %s", waiting.position, type(error).__name__)
            why = "not_stored" if isinstance(error, MediaNotStored) else "not_recorded"
            self._observer.media_refused(why=why, is_final=False)
            return min(pause, PAUSE_SECONDS_MAX)

    async def _settle(self, waiting: Waiting, pause: float) -> float | None:
        recorded = await self._commands.log.at(waiting.position)
        if recorded is None or not isinstance(recorded.event, MessageReceived | MessageContradicted):
            return None  # erased meanwhile
        attachment = recorded.event.content.attachments[waiting.index]
        try:
            stored, declared = await self._obtain(attachment, waiting)
        except MediaRefused as refused:
            is_final = refused.is_final or self._clock() - waiting.since >= TRIED_FOR
            self._observer.media_refused(why=refused.why, is_final=is_final)
            if is_final or waiting.tries == 1:
                await self._tell_refused(recorded, waiting, refused.reason, is_final=is_final)
            return None if is_final else pause
        await self._tell_stored(recorded, waiting, stored, declared, attachment.name)
        self._observer.media_stored(size_bytes=stored.size_bytes)
        return None

    async def _obtain(self, attachment: Attachment, waiting: Waiting) -> tuple[StoredMedia, str]:
        """What is kept by now, and what it was said to be. Raises MediaRefused, MediaNotStored."""
        if digest := media.digest_of(attachment):
            return await self._kept(digest), attachment.content_type
        if self._is_too_large(attachment):
            raise MediaRefused(f"it has more than {self._bytes_max} bytes", is_final=True, why=Why.TOO_LARGE)
        fetched = await self._fetch(attachment, waiting)
        if not fetched.body:
            raise MediaRefused("it came empty", is_final=False, why=Why.BROKEN)
        declared = fetched.content_type or attachment.content_type
        return await self._store.put(fetched.body, declared, attachment.name or fetched.name), declared

    async def _kept(self, digest: str) -> StoredMedia:
        """What came with the message. Raises MediaRefused, MediaNotStored."""
        try:
            found = await self._store.get(digest)
        except MediaBroken as error:
            raise MediaRefused("what was kept cannot be opened", is_final=False, why=Why.LOST) from error
        if found is None:
            raise MediaRefused("it is not where it was kept", is_final=False, why=Why.LOST)
        return found[0]

    async def _fetch(self, attachment: Attachment, waiting: Waiting) -> Fetched:
        """Raises MediaRefused."""
        account = self._directory.account(waiting.account_id)
        if account is None or account.definition is None:
            raise MediaRefused("the channel account is unknown", is_final=False, why=Why.ACCOUNT)
        try:
            return await self._fetchers[account.definition.channel](account.definition, attachment, self._get)
        except MediaRefused:
            raise
        except Exception as error:
            logger.exception("media at position %d could not be fetched", waiting.position)
            reason = f"unexpected {type(error).__name__}"
            raise MediaRefused(reason, is_final=False, why=Why.UNEXPECTED) from error

    async def _tell_stored(
        self, recorded: Recorded, waiting: Waiting, stored: StoredMedia, declared: str, name: str
    ) -> None:
        said = declared.partition(";")[0].strip().lower()

        def told(message_id: str, conversation_id: str, agent_id: str | None) -> Event:
            return media.MediaStored(
                conversation_id=conversation_id,
                message_id=message_id,
                message_position=waiting.position,
                attachment_index=waiting.index,
                digest=stored.digest,
                sha256=stored.sha256,
                size_bytes=stored.size_bytes,
                content_type=stored.content_type,
                declared_type=said if said != stored.content_type else "",
                name=name,
                agent_id=agent_id,
            )

        settlement = self._settlement(waiting)
        access = self._commands.claim_keys.media(recorded.stream, stored.digest)
        is_known = access.key in await self._commands.log.claimed([access.key])
        if not await self._record(recorded, told, [settlement] if is_known else [settlement, access]):
            await self._record(recorded, told, [settlement])  # the same file in two messages, settled at once

    async def _tell_refused(self, recorded: Recorded, waiting: Waiting, reason: str, *, is_final: bool) -> None:
        def told(message_id: str, conversation_id: str, agent_id: str | None) -> Event:
            return media.MediaRefused(
                conversation_id=conversation_id,
                message_id=message_id,
                message_position=waiting.position,
                attachment_index=waiting.index,
                reason=reason,
                is_final=is_final,
                agent_id=agent_id,
            )

        first = self._commands.claim_keys.once("media waits", str(waiting.position), str(waiting.index))
        await self._record(recorded, told, [self._settlement(waiting) if is_final else first])

    def _settlement(self, waiting: Waiting) -> Claim:
        """Taken by the event that tells how it ended."""
        return self._commands.claim_keys.once("media", str(waiting.position), str(waiting.index))

    async def _record(
        self, recorded: Recorded, told: Callable[[str, str, str | None], Event], claims: Sequence[Claim]
    ) -> bool:
        """Appends it to the customer's stream. False if one of the claims is taken."""
        event = recorded.event
        assert isinstance(event, MessageReceived | MessageContradicted)  # looked at by `_settle`

        def decide(customer: Customer) -> Sequence[Sequence[Event]]:
            one = customer.conversations.get(event.conversation_id)
            return [[told(event.message_id, event.conversation_id, one.holder if one else None)]]

        command = Command(actor=self.name, at=self._clock(), cause=recorded.position, correlation=recorded.correlation)
        try:
            await self._commands.carry_out(command, [recorded.stream], decide, claims)
        except ClaimTaken:
            return False
        return True
