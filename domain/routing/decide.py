"""Who gets what now: every offer to be made or ended, in order, as the log and the clock stand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from types import TracebackType
from typing import Self

import msgspec

from domain.assignment import Choice
from domain.routing.lines import Line, Turn
from domain.routing.state import RouterState, StandingOffer, Waiting

DECISIONS_MAX = 1_000
"""In one list, so that a shift that begins with a long queue does not stop the world. The next call goes on."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Put this conversation before this agent."""

    conversation_id: str
    customer_id: str
    queue_id: str
    agent_id: str
    offer_id: str
    units: int
    expires_at: datetime
    choice: Choice


class Expire(msgspec.Struct, frozen=True, kw_only=True):
    """The agent did not answer in time: end the offer and set the agent to away."""

    conversation_id: str
    customer_id: str
    offer_id: str
    agent_id: str


class Withdraw(msgspec.Struct, frozen=True, kw_only=True):
    """The agent has signed out: take the offer back."""

    conversation_id: str
    customer_id: str
    offer_id: str
    agent_id: str
    reason: str


Decision = Offer | Expire | Withdraw


def decide(state: RouterState, now: datetime, limit: int = DECISIONS_MAX) -> list[Decision]:
    """All that is to be done, each decision on top of those before it in the list; a decision's index is its ordinal.

    Work-conserving: where the list is shorter than the limit, nothing that waits is left with an agent who may have
    it. Leaves the state as it was, so that asking again gives the same list.
    """
    with Round(state, now) as this:
        this.run(limit)
        return this.decisions


def recompute(state: RouterState, choice: Choice) -> Decision | None:
    """The decision once more, from a state that has read the log up to `choice.position`. Equals the recorded one."""
    decisions = decide(state, choice.decided_at, limit=choice.ordinal + 1)
    return decisions[choice.ordinal] if choice.ordinal < len(decisions) else None


def next_deadline(state: RouterState, now: datetime) -> datetime | None:
    """The first moment after `now` at which there may be something to decide although no event has come.

    An offer then runs out, or an agent may be asked again about what they declined. What is due at `now` already is
    `decide`'s to say.
    """
    moments = (state.offers_end.next_after(now), state.rests_end.next_after(now))
    return min((moment for moment in moments if moment is not None), default=None)


def candidates(line: Line, waiting: Waiting, now: datetime) -> Sequence[Turn]:
    """The agents who may be asked, the longest idle first.

    Who declined it rests from it, unless nobody else is left: then the rest of all but the latest to decline is over.
    The latest keeps resting, because asking the only agent again at once would turn a "no" into a loop.
    """
    if not waiting.declined:
        return line.open
    if fresh := [turn for turn in line.open if waiting.declined.get(turn[1], now) <= now]:
        return fresh
    latest = next(reversed(waiting.declined))
    return [turn for turn in line.open if turn[1] != latest]


class Round:
    """One sitting of the router.

    What it decides is reserved in the lines, so that its next decision counts with it, and given back at the end: the
    facts are never touched, and the lines are put back where the facts say.
    """

    def __init__(self, state: RouterState, now: datetime) -> None:
        self.now = now
        self.decisions: list[Decision] = []
        self._state = state
        self._agents: set[str] = set()
        self._conversations: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for agent_id in self._agents:
            self._state.place_agent(agent_id)
        for conversation_id in self._conversations:
            self._state.place_conversation(conversation_id)

    def run(self, limit: int) -> None:
        """Ends first, then offers: what comes back competes for its place at once. Stops at so many decisions."""
        state = self._state
        overdue = [over for over in state.offers_end.due(self.now) if over not in state.stranded]
        for conversation_id in [*sorted(state.stranded), *overdue][:limit]:
            waiting = state.facts.waiting[conversation_id]
            if waiting.offer is not None:
                is_stranded = conversation_id in state.stranded
                self._end(
                    waiting, _withdraw(waiting, waiting.offer) if is_stranded else _expire(waiting, waiting.offer)
                )
        self._offer_all(limit)

    def _end(self, waiting: Waiting, ending: Expire | Withdraw) -> None:
        """The conversation waits again, the agent takes no work."""
        self.decisions.append(ending)
        self._conversations.add(waiting.conversation_id)
        self._state.join_line(waiting)
        if ending.agent_id in self._state.facts.desks:
            self._agents.add(ending.agent_id)
            self._state.lines.seat(ending.agent_id, None, 0)

    def _offer_all(self, limit: int) -> None:
        """Goes through what waits in the ready lines from the highest score down, all lines merged."""
        every = self._state.facts.waiting
        heads = [(line.waiting[0], line, 0) for line in self._state.lines.ready]
        heapify(heads)
        while heads and len(self.decisions) < limit:
            place, line, passed_by = heappop(heads)
            if not line.open:
                continue  # an earlier offer took its last agent
            waiting = every[place[2]]
            if turns := candidates(line, waiting, self.now):
                self._offer(line, waiting, turns)
            else:
                passed_by += 1  # all who could take it rest from it; those behind it may still be lucky
            if passed_by < len(line.waiting):
                heappush(heads, (line.waiting[passed_by], line, passed_by))

    def _offer(self, line: Line, waiting: Waiting, turns: Sequence[Turn]) -> None:
        """Decides for the first of the turns, and reserves: the agent has less room and goes to the end."""
        lines = self._state.lines
        agent_id = turns[0][1]
        self.decisions.append(self._offer_to(line, waiting, turns))
        self._conversations.add(waiting.conversation_id)
        self._agents.add(agent_id)
        lines.leave(waiting.conversation_id)
        lines.seat(agent_id, (max(self.now, turns[0][0]), agent_id), lines.room_of(agent_id) - line.units)

    def _offer_to(self, line: Line, waiting: Waiting, turns: Sequence[Turn]) -> Offer:
        facts, ordinal = self._state.facts, len(self.decisions)
        definition, rules = facts.queue(waiting.queue_id).definition, facts.policy.rules
        timeout_seconds = (definition and definition.offer_timeout_seconds) or rules.offer_timeout_seconds
        idle_since, agent_id = turns[0]
        runner_up_idle_since, runner_up = turns[1] if len(turns) > 1 else (None, None)
        choice = Choice(
            position=facts.position,
            ordinal=ordinal,
            decided_at=self.now,
            policy_version=facts.policy.number,
            rule="longest_idle",
            score=facts.score(waiting, self.now),
            eligible=len(turns),
            idle_since=idle_since,
            runner_up=runner_up,
            runner_up_idle_since=runner_up_idle_since,
        )
        return Offer(
            conversation_id=waiting.conversation_id,
            customer_id=waiting.customer_id,
            queue_id=waiting.queue_id,
            agent_id=agent_id,
            offer_id=_offer_id(waiting.conversation_id, facts.position, ordinal),
            units=line.units,
            expires_at=self.now + timedelta(seconds=timeout_seconds),
            choice=choice,
        )


def _expire(waiting: Waiting, offer: StandingOffer) -> Expire:
    return Expire(
        conversation_id=waiting.conversation_id,
        customer_id=waiting.customer_id,
        offer_id=offer.offer_id,
        agent_id=offer.agent_id,
    )


def _withdraw(waiting: Waiting, offer: StandingOffer) -> Withdraw:
    return Withdraw(
        conversation_id=waiting.conversation_id,
        customer_id=waiting.customer_id,
        offer_id=offer.offer_id,
        agent_id=offer.agent_id,
        reason="signed_out",
    )


def _offer_id(conversation_id: str, position: int, ordinal: int) -> str:
    """The same for the same decision, so that a decision taken again is the same offer."""
    decision = f"{conversation_id}/{position}/{ordinal}".encode()
    return f"offer-{blake2b(decision, digest_size=16).hexdigest()}"
