"""One sitting of the router: all that is to be done at one moment, each decision on top of those before it."""

from datetime import datetime, timedelta
from hashlib import blake2b
from heapq import heappop, heappush

from msgspec.structs import replace

from domain.agent import Agent, Presence, Work
from domain.assignment import Choice
from domain.event import without
from domain.queue import Limit, OverflowRule
from domain.routing.choose import NO_TURN, Field, best_two, field_for
from domain.routing.crew import Turn, count
from domain.routing.decisions import Decision, Expire, Offer, Overflow, Relax, Withdraw
from domain.routing.facts import EDITION, StandingOffer, Waiting
from domain.routing.lines import NOWHERE, Line, Place
from domain.routing.state import RouterState
from domain.routing.wishes import passed_over

Look = tuple[Place, int, int, int]
"""A place to look at, its line, how many stand before it there, and the agent (a bit) for whom, or -1."""


class Round:
    """One sitting of the router.

    What it decides is reserved in the lines, so that its next decision counts with it: the facts are never touched.
    What the log does not make true of it is put back before the next round.

    Looks only at what is fresh: at lines that somebody has joined, and at agents who have got room, since a round
    found nothing more for them. All else was looked at then, and nothing has changed for it.
    """

    def __init__(self, state: RouterState, now: datetime, edition: int = EDITION) -> None:
        self.now = now
        self.edition = edition
        self.decisions: list[Decision] = []
        self._state = state
        self._steps: dict[str, int] = {}
        self._looks: list[Look] = []
        self._first: list[Place] = []  # by number, where each line begins; nowhere once it is gone through
        state.put_back()
        state.read_as(edition)
        state.advance(now)
        state.crew.begin()

    def run(self, limit: int) -> None:
        """Ends first, then what goes elsewhere or asks less, then offers. Stops at so many decisions.

        Where something goes elsewhere the offers are left to the next round, in which it stands there. That round
        offers first, and lets things go elsewhere only where it has nothing to offer: neither keeps the other waiting.
        """
        state = self._state
        overdue, due = state.offers_end.due(self.now), state.steps_due.due(self.now)
        may_overflow, owes_offers = bool(due or state.overfull), state.facts.owes_offers
        if overdue or state.stranded:
            self._end_offers(overdue, limit)
        has_overflowed = may_overflow and not owes_offers and self._overflow_queues(due, limit)
        if due:
            self._take_steps(due, limit)
        if has_overflowed:
            return
        before = len(self.decisions)
        self._offer_all(limit)
        if len(self.decisions) < limit:  # everything has been looked at
            state.lines.fresh.clear()
            state.crew.fresh.clear()
            state.crew.has_lost = False
        if may_overflow and owes_offers and len(self.decisions) == before:
            self._overflow_queues(due, limit)

    def _end_offers(self, overdue: list[str], limit: int) -> None:
        """What comes back competes for its place at once.

        Who missed an offer is away. From whom one is withdrawn goes on, if they are there, with the room that it took.
        """
        state = self._state
        stranded = sorted(state.stranded)
        overdue = [over for over in overdue if over not in state.stranded]
        for conversation_id in [*stranded, *overdue][:limit]:
            waiting = state.facts.waiting[conversation_id]
            if (offer := waiting.offer) is None:
                continue
            bars = state.why_not(waiting, offer)
            self.decisions.append(_withdraw(waiting, offer, bars) if bars else _expire(waiting, offer))
            self._leave(conversation_id)
            state.join_line(waiting, waiting.step)
            if (bit := state.crew.bit(offer.agent_id)) is not None:
                agent = state.crew.agents[bit]
                if bars:
                    agent = replace(agent, work=without(agent.work, conversation_id))
                self._seat(bit, agent, self._turn_with(offer.agent_id, agent) if bars else None)

    def _turn_with(self, agent_id: str, agent: Agent) -> Turn | None:
        """The agent's turn once they hold this and no more, as the log will tell it."""
        desk = self._state.facts.desks[agent_id]
        if agent.presence is not Presence.AVAILABLE:
            return None
        given = {held: since for held, since in desk.given.items() if held in agent.work}
        return self._state.turn_of(agent_id, replace(desk, agent=agent, given=given))

    def _overflow_queues(self, due: list[str], limit: int) -> bool:
        """Queues that have too much, or are closed; then what has waited too long in any. Whether there was any."""
        state, before = self._state, len(self.decisions)
        for queue_id in sorted(state.overfull):
            queued = state.queued(queue_id)
            is_open = state.is_open(queue_id)
            for rule in state.facts.definition(queue_id).overflow:
                if rule.when is Limit.LENGTH:
                    self._overflow(queued[rule.limit :], rule, limit)
                elif rule.when is Limit.CLOSED and not is_open:
                    self._overflow(queued, rule, limit)
        for conversation_id in dict.fromkeys(due):
            waiting = state.facts.waiting[conversation_id]
            for rule in state.facts.definition(waiting.queue_id).overflow:
                moment = state.facts.overflow_at(waiting, rule)
                if moment is not None and moment <= self.now:
                    self._overflow([waiting], rule, limit)
        return len(self.decisions) > before

    def _overflow(self, several: list[Waiting], rule: OverflowRule, limit: int) -> None:
        for waiting in several:
            is_gone = waiting.conversation_id in self._state.reserved
            if is_gone or len(self.decisions) >= limit or self._state.facts.has_been(waiting, rule.to_queue_id):
                continue
            self.decisions.append(
                Overflow(
                    conversation_id=waiting.conversation_id,
                    customer_id=waiting.customer_id,
                    queue_id=waiting.queue_id,
                    rule=rule,
                    definition=self._state.facts.definition(waiting.queue_id),
                    policy_version=self._state.facts.policy.number,
                    gave_up=self._state.facts.gave_up(waiting),
                )
            )
            self._leave(waiting.conversation_id)

    def _take_steps(self, due: list[str], limit: int) -> None:
        """What has waited long enough asks less at once, for all the steps that are due."""
        state = self._state
        for conversation_id in dict.fromkeys(due):
            waiting = state.facts.waiting[conversation_id]
            step = state.facts.steps_due(waiting, self.now)
            if conversation_id in state.reserved or step <= waiting.step or len(self.decisions) >= limit:
                continue
            skills, groups = state.facts.requirement(waiting, step)
            self.decisions.append(
                Relax(
                    conversation_id=conversation_id,
                    customer_id=waiting.customer_id,
                    queue_id=waiting.queue_id,
                    step=step,
                    skills=skills,
                    groups=groups,
                    definition=state.facts.definition(waiting.queue_id),
                    policy_version=state.facts.policy.number,
                )
            )
            self._leave(conversation_id)
            state.join_line(waiting, step)
            self._steps[conversation_id] = step

    def _offer_all(self, limit: int) -> None:
        """From the highest score down: looks at the fresh lines, and at the first place for each fresh agent."""
        lines, crew = self._state.lines, self._state.crew
        if crew.has_lost:
            self._state.refresh_declined()
        self._first = lines.first.copy()
        for number in lines.fresh:
            self._first[number] = NOWHERE
            self._look_at(lines.by_number[number], 0)
        for fresh in sorted(crew.fresh):
            self._look_for(fresh)
        while self._looks and len(self.decisions) < limit:
            place, number, depth, bit = heappop(self._looks)
            line = lines.by_number[number]
            is_there = depth < len(line.waiting) and line.waiting[depth] == place
            if bit >= 0:
                if is_there and self._first[number] != NOWHERE:
                    self._first[number] = NOWHERE
                    self._look_at(line, 0 if self._try(line, place) else 1)
                self._look_for(bit)
            elif not is_there or self._try(line, place):
                self._look_at(line, depth)
            else:  # all who could take it rest from it
                self._look_at(line, depth + 1)

    def _look_at(self, line: Line, depth: int) -> None:
        """From this place of the line down, for whoever has room for what it asks."""
        crew = self._state.crew
        if depth < len(line.waiting) and crew.with_room(line.room) & line.able(crew):
            heappush(self._looks, (line.waiting[depth], line.number, depth, -1))

    def _look_for(self, bit: int) -> None:
        """At the first place that the agent may get, if there is one."""
        if rooms := self._state.crew.rooms[bit]:
            place = self._state.reach(bit).first(rooms, self._first)
            if place != NOWHERE:
                heappush(self._looks, (place, self._state.lines.line_at(place).number, 0, bit))

    def _try(self, line: Line, place: Place) -> bool:
        """Offers what waits there, if somebody may be asked."""
        waiting = self._state.facts.waiting[self._state.lines.conversations[place]]
        field = field_for(line, waiting, self._state.crew, self.now, self.edition)
        if field.all:
            self._offer(line, waiting, field)
        return bool(field.all)

    def _offer(self, line: Line, waiting: Waiting, field: Field) -> None:
        """Decides for the first of the field, and reserves: the agent has less room and goes to the end."""
        crew = self._state.crew
        offer, bit = self._offer_to(line, waiting, field)
        turn = self._state.last_turn(bit, self.now, len(self.decisions))
        self.decisions.append(offer)
        self._leave(waiting.conversation_id)
        agent, ask = crew.agents[bit], line.terms.ask
        work = {**agent.work, offer.conversation_id: Work(offer.customer_id, ask.units, ask.channel, ask.kind)}
        self._seat(bit, replace(agent, work=work), turn)

    def _leave(self, conversation_id: str) -> None:
        self._state.lines.leave(conversation_id)
        self._state.reserved[conversation_id] = None

    def _seat(self, bit: int, agent: Agent, turn: Turn | None) -> None:
        agent_id = self._state.crew.ids[bit]
        self._state.crew.seat(agent_id, agent, turn)
        self._state.reserved[agent_id] = None

    def _offer_to(self, line: Line, waiting: Waiting, field: Field) -> tuple[Offer, int]:
        facts, crew, ordinal = self._state.facts, self._state.crew, len(self.decisions)
        rules = facts.policy.rules
        definition = facts.definition(waiting.queue_id)
        timeout_seconds = definition.offer_timeout_seconds or rules.offer_timeout_seconds
        eligible = count(field.all)
        bit, second = best_two(line, field, eligible, crew, rules.weights, self.now)
        _, _, agent_id, idle_since = crew.turns[bit] or NO_TURN
        _, _, runner_up, runner_up_idle_since = (second is not None and crew.turns[second]) or (0, 0, None, None)
        score, parts = facts.score(waiting, self.now)
        step = self._steps.get(waiting.conversation_id, waiting.step)
        choice = Choice(
            position=facts.position,
            ordinal=ordinal,
            decided_at=self.now,
            policy_version=facts.policy.number,
            rule=str(line.terms.choice),
            score=score,
            eligible=eligible,
            idle_since=idle_since,
            runner_up=runner_up,
            runner_up_idle_since=runner_up_idle_since,
            parts=parts,
            preference=field.preference,
            step=step,
            edition=self.edition,
            passed_over=passed_over(facts, waiting, step, self.now),
        )
        offer = Offer(
            conversation_id=waiting.conversation_id,
            customer_id=waiting.customer_id,
            queue_id=waiting.queue_id,
            agent_id=agent_id,
            offer_id=_offer_id(waiting.conversation_id, facts.position, ordinal),
            terms=line.terms,
            expires_at=self.now + timedelta(seconds=timeout_seconds),
            choice=choice,
            definition=definition,
            language=waiting.language,
            skills=waiting.skills,
        )
        return offer, bit


def _expire(waiting: Waiting, offer: StandingOffer) -> Expire:
    return Expire(
        conversation_id=waiting.conversation_id,
        customer_id=waiting.customer_id,
        offer_id=offer.offer_id,
        agent_id=offer.agent_id,
    )


def _withdraw(waiting: Waiting, offer: StandingOffer, reason: str) -> Withdraw:
    return Withdraw(
        conversation_id=waiting.conversation_id,
        customer_id=waiting.customer_id,
        offer_id=offer.offer_id,
        agent_id=offer.agent_id,
        reason=reason,
    )


def _offer_id(conversation_id: str, position: int, ordinal: int) -> str:
    """The same for the same decision, so that a decision taken again is the same offer."""
    decision = f"{conversation_id}/{position}/{ordinal}".encode()
    return f"offer-{blake2b(decision, digest_size=16).hexdigest()}"
