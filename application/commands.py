"""How a command becomes events: load the states, decide, append; on a conflict read again and decide again."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from application.claims import ClaimKeys
from application.log import AlreadyClaimed, Appended, Claim, Conflict, Context, Fact, Log, Write
from application.states import States, fold
from domain.event import Event, RuleBroken

ATTEMPTS_MAX = 8
"""How often a command is decided anew before its conflict rises."""


class KeyReused(Exception):
    """This Idempotency-Key was used before for another command. Use a new key for each command."""


class RevisionStale(RuleBroken):
    """It has changed since you read it. Read it again, then decide."""


class Contended(Exception):
    """Too many others change the same thing at this moment. Nothing was stored; try again."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for what, when: the part that all commands share."""

    actor: str
    at: datetime
    claim: Claim | None = None
    """Of the caller's Idempotency-Key."""
    correlation: str = ""
    cause: int | None = None
    expected_revision: int | None = None
    """Of the If-Match header: decide only if the thing still stands at it."""

    @property
    def context(self) -> Context:
        command_id = self.claim.key.hex() if self.claim else ""
        return Context(self.actor, command_id, self.correlation or command_id, self.cause)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A command was carried out, now or, if it is a repeat, the first time it came."""

    position: int
    """Of its last event: once a view has reached it, the view shows the change."""
    is_repeat: bool = False


def demand_revision(command: Command, revision: int) -> None:
    """Raises RevisionStale."""
    expected = command.expected_revision
    if expected is not None and expected != revision:
        named = f"you expected {expected}" if expected >= 0 else "and never at what you expected"
        raise RevisionStale(f"it stands at revision {revision}, {named}")


class Commands:
    """Carries commands out on the log."""

    def __init__(self, log: Log, states: States, claim_keys: ClaimKeys) -> None:
        self.log = log
        self.states = states
        self.claim_keys = claim_keys

    async def carry_out(
        self,
        command: Command,
        streams: Sequence[str],
        decide: Callable[..., Sequence[Sequence[Event]]],
        claims: Sequence[Claim] = (),
        with_facts: Sequence[Claim] = (),
    ) -> Done:
        """Decides on the current states of the streams, in that order, and appends what comes out, all or nothing.

        `decide` takes one state for each stream and returns one list of events for each; the claims `with_facts` are
        made only where there are any. Safe to repeat with the same claim. Raises what `decide` raises, KeyReused,
        Contended, ClaimTaken, LogBusy, LogUnreachable.
        """
        all_claims = [command.claim, *claims] if command.claim else list(claims)
        for _ in range(ATTEMPTS_MAX):
            at_hand = {stream for stream in streams if self.states.peek(stream) is not None}
            loaded = [await self.states.load(stream) for stream in streams]
            refusal: RuleBroken | None = None
            decided: Sequence[Sequence[Event]]
            try:
                decided = decide(*(state for state, _ in loaded))
            except RuleBroken as broken:
                decided, refusal = [()] * len(streams), broken
            if not any(decided) and await self._lagged(at_hand, streams, loaded):
                continue
            if refusal is not None:
                # The rule may be broken by this very command, carried out when it came the first time.
                if (done := await self._first_time(command)) is not None:
                    return done
                raise refusal
            writes = [  # without facts for what was only looked at, so that it holds when this is stored
                Write(stream, version, [Fact(event, command.at) for event in events])
                for stream, (_, version), events in zip(streams, loaded, decided, strict=True)
                if any(decided)
            ]
            if not writes and not all_claims:
                return Done(position=await self.log.head())
            made = [*all_claims, *with_facts] if writes else all_claims
            outcome = await self.log.append(writes, made, context=command.context)
            match outcome:
                case Appended(positions=positions, head=head):
                    self._move(streams, loaded, decided)
                    return Done(position=positions[-1] if positions else head)
                case Conflict(stream=stream):
                    self.states.forget(stream)
                case AlreadyClaimed():
                    return self._claimed(command, outcome)
        raise Contended

    async def claim_only(self, command: Command) -> bool:
        """Takes the command's own claim ahead of what it does. True for a repeat. Raises KeyReused."""
        if command.claim is None:
            return False
        outcome = await self.log.append([], [command.claim], context=command.context)
        return isinstance(outcome, AlreadyClaimed) and self._claimed(command, outcome).is_repeat

    async def _lagged(
        self, at_hand: Collection[str], streams: Sequence[str], loaded: Sequence[tuple[Any, int]]
    ) -> bool:
        """Whether a state was old that only the memory of this process vouches for.

        An append checks the versions of all that was decided on. Where nothing is appended, be it because of a
        refusal, they are looked up here: another process, a router say, may have moved one on.
        """
        for stream, (_, version) in zip(streams, loaded, strict=True):
            if stream in at_hand and await self.states.moved_on(stream, version):
                return True
        return False

    def _move(
        self, streams: Sequence[str], loaded: Sequence[tuple[Any, int]], decided: Sequence[Sequence[Event]]
    ) -> None:
        for stream, (state, version), events in zip(streams, loaded, decided, strict=True):
            if events:
                self.states.moved(stream, fold(stream, state, events), version + len(events))

    def _claimed(self, command: Command, outcome: AlreadyClaimed) -> Done:
        if command.claim is None or outcome.claim.key != command.claim.key:
            raise ClaimTaken(outcome)
        if not outcome.is_repeat:
            raise KeyReused
        return Done(position=outcome.position, is_repeat=True)

    async def _first_time(self, command: Command) -> Done | None:
        if command.claim is None:
            return None
        taken = (await self.log.claimed([command.claim.key])).get(command.claim.key)
        if taken is None:
            return None
        position, fingerprint = taken
        return self._claimed(command, AlreadyClaimed(command.claim, position, fingerprint))


class ClaimTaken(Exception):
    """Somebody else took it first."""

    def __init__(self, outcome: AlreadyClaimed) -> None:
        super().__init__(self.__doc__)
        self.outcome = outcome
