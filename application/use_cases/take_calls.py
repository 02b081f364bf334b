"""Take calls: that one rings, was answered or took place is told live, by a call record or by the agent who had it."""

from collections.abc import Callable, Collection
from functools import partial

from msgspec.structs import replace

from application.claims import ClaimKeys, id_bytes
from application.commands import ATTEMPTS_MAX, ClaimTaken, Command, Commands, Contended, Done
from application.directory import Directory
from application.ids import derived_id, new_id
from application.log import Claim
from application.use_cases.know_customers import CustomerUnknown
from domain.calls.intake import Call, take_call
from domain.calls.stages import Stage, key_of
from domain.card_numbers import mask
from domain.customer import Customer
from domain.event import Event
from domain.intake import WITHHELD, Intake
from domain.outbound.writing import write_note

NOBODY = f"customer-{'0' * 32}"
Told = Callable[..., list[Event]]
"""What a telling comes to, from the customer's state."""


class TakeCalls:
    """Safe to repeat, in any order: a call's stage only moves up, and each call is over once."""

    def __init__(self, commands: Commands, directory: Directory) -> None:
        self._commands = commands
        self._directory = directory

    async def take(
        self,
        command: Command,
        call: Call,
        *,
        account_id: str,
        agent_id: str | None = None,
        customer_id: str | None = None,
        conversation_id: str | None = None,
    ) -> tuple[Done, str]:
        """With the named customer, with whom it began, else with whoever has this number, else with a new customer.

        It stands in the timeline at the time when it began, however late it is told.
        The same call id of one account is written once. A number that is another customer's stays theirs. Returns the
        customer's id too. Raises CustomerUnknown, ConversationUnknown, TooManyConversations, Contended.
        """
        if customer_id is not None and not (await self._commands.states.load(customer_id))[1]:
            raise CustomerUnknown
        call = replace(call, note=mask(call.note))
        timed, keys = replace(command, at=call.occurred_at), _Keys(self._commands.claim_keys, account_id, call)
        told = partial(
            take_call,
            call=call,
            account_id=account_id,
            intake=self._intake(account_id),
            new_conversation_id=derived_id("conversation", keys.over.key),
            at=command.at,
            agent_id=agent_id,
            conversation_id=conversation_id,
        )
        for _ in range(ATTEMPTS_MAX):
            taken = await self._commands.log.claimed(keys.all)
            if keys.over.key in taken and (call.stage is not Stage.ENDED or command.claim is None):
                return await self._take_late(timed, call, taken[keys.over.key][0], told)
            owner_id = _customer_of(taken.get(keys.number))
            caller_id = customer_id or _customer_of(taken.get(keys.begun)) or owner_id
            caller_id = caller_id or derived_id("customer", keys.over.key)

            def decide(known: Customer, *, is_theirs: bool = owner_id in (None, caller_id)) -> list[list[Event]]:
                return [told(known, is_theirs=is_theirs)]

            claims = keys.claims(caller_id, taken)
            try:
                return await self._commands.carry_out(timed, [caller_id], decide, claims), caller_id
            except ClaimTaken as lost:
                if lost.outcome.claim.key == keys.over.key:
                    return await self._taken_before(lost.outcome.position)
                # Somebody got this number, or told of this call, a moment ago: the next round finds them.
        raise Contended

    async def write_down(
        self,
        command: Command,
        call: Call,
        *,
        account_id: str,
        agent_id: str | None,
        customer_id: str | None,
        conversation_id: str | None,
    ) -> tuple[Done, str]:
        """As `take`, told by somebody who had the call. Of one that the telephone system tells of by itself, the note.

        Raises what `take` raises.
        """
        key = self._commands.claim_keys.call(account_id, call.call_id, NOBODY).key
        begun = (await self._commands.log.claimed([key])).get(key)
        caller_id = _customer_of(begun)
        if begun is None or caller_id is None or not (followed := await self._followed(caller_id, account_id, call)):
            return await self.take(
                command,
                call,
                account_id=account_id,
                agent_id=agent_id,
                customer_id=customer_id,
                conversation_id=conversation_id,
            )
        if not call.note.strip():
            return Done(position=begun[0], is_repeat=True), caller_id
        note_id = derived_id("note", command.claim.key) if command.claim else new_id("note")

        def decide(known: Customer) -> list[list[Event]]:
            return [write_note(known.conversation(followed), note_id=note_id, text=mask(call.note))]

        return await self._commands.carry_out(command, [caller_id], decide), caller_id

    async def _followed(self, caller_id: str, account_id: str, call: Call) -> str:
        """The conversation of a call that was told of while it was on; empty for any other."""
        customer: Customer
        customer, _ = await self._commands.states.load(caller_id)
        known = customer.calls.get(key_of(account_id, call.call_id))
        return known.conversation_id if known is not None and (known.rang_at or known.answered_at) else ""

    async def _take_late(self, command: Command, call: Call, position: int, told: Told) -> tuple[Done, str]:
        """Of a call that is over only who answered it may still be news."""
        done, caller_id = await self._taken_before(position)
        if call.stage is not Stage.ANSWERED:
            return done, caller_id
        late = partial(told, is_late=True)
        return await self._commands.carry_out(command, [caller_id], lambda known: [late(known)]), caller_id

    async def _taken_before(self, position: int) -> tuple[Done, str]:
        original = await self._commands.log.at(position)
        assert original is not None  # a claim always names a stored event
        return Done(position=original.position, is_repeat=True), original.stream

    def _intake(self, account_id: str) -> Intake | None:
        account = self._directory.accounts.get(account_id)
        if account is None or account.definition is None:
            return None
        return self._directory.intake(account.definition.queue_id)


class _Keys:
    """What is claimed for a call: that it is over, with whom it began, and the number."""

    def __init__(self, keys: ClaimKeys, account_id: str, call: Call) -> None:
        self.over = keys.once("call", account_id, call.call_id)
        self.begun = keys.call(account_id, call.call_id, NOBODY).key
        self.number = keys.identity_key("phone", "", call.handle)
        self._call = call

    @property
    def all(self) -> list[bytes]:
        return [self.over.key, self.begun, self.number]

    def claims(self, caller_id: str, taken: Collection[bytes]) -> list[Claim]:
        """What is not taken yet: who it is with shows when it begins. A number that was withheld is nobody's."""
        theirs = [] if self.begun in taken else [self.begun]
        if theirs and self._call.handle != WITHHELD and self.number not in taken:
            theirs.append(self.number)
        over = [self.over] if self._call.stage is Stage.ENDED else []
        return [*over, *(Claim(key, id_bytes(caller_id)) for key in theirs)]


def _customer_of(taken: tuple[int, bytes] | None) -> str | None:
    """The customer whom a claim of theirs leads to, by its fingerprint."""
    return derived_id("customer", taken[1]) if taken else None
