"""What the router knows: plain facts read from the log, and the order in them that it keeps in step."""

from datetime import datetime

from domain.agent import Presence
from domain.queue import Limit
from domain.routing.agenda import Agenda
from domain.routing.crew import Crew, Turn
from domain.routing.facts import EDITION, EPOCH, Desk, Facts, StandingOffer, Waiting
from domain.routing.lines import Line, Lines, Reach, Skills, Terms
from domain.routing.wishes import awaited, hangs_on_skills, why_not


class RouterState:
    """The facts, and who stands where by them at one moment. Mutable: one `evolve` at a time.

    A stored snapshot comes back with `RouterState(msgspec.msgpack.decode(stored, type=Facts))`.
    """

    def __init__(self, facts: Facts | None = None) -> None:
        self.facts = facts or Facts()
        self.edition = EDITION
        """Of the rules by which everything is placed."""
        self.at = EPOCH
        """The moment by which everything is placed: what changes with time alone has changed up to then."""
        self.crew = Crew()
        self.lines = Lines()
        self.offers_end = Agenda()
        self.steps_due = Agenda()
        """When each conversation may relax or overflow."""
        self.changes = Agenda()
        """When time alone changes where a conversation, an agent or a queue's work stands."""
        self.stranded: set[str] = set()
        """Conversations whose offer cannot stand: `why_not` says why."""
        self.overfull: set[str] = set()
        """Queues with more work than a rule of theirs allows, or with work although they are closed."""
        self.reserved: dict[str, None] = {}
        """Agents and conversations that stand where a round has put them, in order, until an event says where."""
        self._reaches: dict[int, tuple[int, int, Reach]] = {}  # by the agent's bit, with what it was worked out from
        self._lines_by_case: dict[tuple[object, ...], Line] = {}
        self._declined: dict[str, None] = {}  # conversations that wait and that somebody has declined
        self._waiting_for: dict[str, set[str]] = {}  # conversations by each agent they may wait for
        self._queued: dict[str, set[str]] = {}  # those that wait, unoffered, by queue, where time or rules limit that
        self._noted: dict[str, tuple[list[str], str]] = {}  # who stands in any of these, with its agents and queue
        for agent_id in self.facts.desks:
            self.place_agent(agent_id)
        for queue_id in self.facts.queues:
            self.note_hours(queue_id)
        for conversation_id in self.facts.waiting:
            self.place_conversation(conversation_id)

    def put_back(self) -> None:
        """Everything that is reserved stands where the facts say again. Each round begins with it."""
        for thing in list(self.reserved):
            if thing in self.facts.desks:
                self.seat_agent(thing)
            else:
                self.place_conversation(thing)

    def read_as(self, edition: int) -> None:
        """Places anew what that edition of the rules places otherwise than the one before."""
        if edition == self.edition:
            return
        self.edition, self.crew.has_lost = edition, True
        for agent_id in self.facts.desks:
            self.seat_agent(agent_id)
        for conversation_id in self.facts.waiting:
            self.note_stranded(conversation_id)

    def refresh_declined(self) -> None:
        """What somebody has declined is looked at again, because nobody else may be left for it by now."""
        self.lines.fresh.update(self.lines.line_of(one).number for one in self._declined if self.lines.is_waiting(one))

    def advance(self, now: datetime) -> None:
        """Places anew what time alone has moved since the last moment asked about, whichever of both is the later."""
        if now == self.at:
            return
        moved = self.changes.between(self.at, now)
        if now < self.at:  # a queue's hours are noted ahead only
            moved |= dict.fromkeys(one for one in self.facts.queues if self.facts.definition(one).opening_hours)
        self.at = now
        for thing in moved:
            if thing in self.facts.desks:
                self.place_agent(thing)
                self.place_friends(thing)
            elif thing in self.facts.queues:
                self.place_queue(thing)
            else:
                self.place_conversation(thing)

    def place_agent(self, agent_id: str) -> None:
        """Puts the agent where the facts say. Safe to repeat."""
        agent = self.facts.desks[agent_id].agent
        self.crew.has_lost = True  # perhaps
        self.crew.teach(agent_id, agent, agent.skills_at(self.at))
        self.seat_agent(agent_id)
        if agent.skills_end:
            self.changes.note(agent_id, sorted(agent.skills_end.values()))

    def seat_agent(self, agent_id: str) -> None:
        """The same where they have only come to hold more or less, and can do what they could."""
        desk = self.facts.desks[agent_id]
        turn = self.turn_of(agent_id, desk) if desk.agent.presence is Presence.AVAILABLE else None
        self.crew.seat(agent_id, desk.agent, turn)
        self.reserved.pop(agent_id, None)

    def turn_of(self, agent_id: str, desk: Desk) -> Turn:
        """Where who stands like this stands among the agents."""
        if self.edition == 1:
            return desk.idle_by_the_clock, 0, agent_id, desk.idle_by_the_clock
        never_back_at, position, at = desk.idle
        return never_back_at, position, agent_id, at

    def last_turn(self, bit: int, now: datetime, ordinal: int) -> Turn:
        """Behind everybody else's, for who is given something by that decision."""
        turn, agent_id, facts = self.crew.turns[bit], self.crew.ids[bit], self.facts
        at = now if turn is None or turn[3] < now else turn[3]
        if self.edition == 1:
            return at, 0, agent_id, at
        if now > facts.latest_at or (now == facts.latest_at and not facts.is_behind):
            return now, 0, agent_id, at
        return facts.latest_at, facts.position + 1 + ordinal, agent_id, at

    def note_stranded(self, conversation_id: str) -> None:
        """Whether it is offered to an agent who can be offered it no longer."""
        waiting = self.facts.waiting.get(conversation_id)
        is_stranded = waiting is not None and waiting.offer is not None and not self._stands(waiting, waiting.offer)
        (self.stranded.add if is_stranded else self.stranded.discard)(conversation_id)

    def _stands(self, waiting: Waiting, offer: StandingOffer) -> bool:
        """Whether there is no `why_not`: mostly its line knows who may have it, which is quicker to ask."""
        desk = self.facts.desks.get(offer.agent_id)
        if desk is None or not hangs_on_skills(offer, self.edition) or desk.agent.presence is Presence.OFFLINE:
            return desk is None or desk.agent.is_signed_in
        line, bit = self._lines_by_case.get(_case(waiting, waiting.step, "")), self.crew.bit(offer.agent_id)
        if line is None or bit is None:
            return not self.why_not(waiting, offer)
        return line.able(self.crew) >> bit & 1 == 1

    def why_not(self, waiting: Waiting, offer: StandingOffer) -> str:
        """Why the offer cannot stand, as of `wishes.why_not`; empty where it can."""
        return why_not(self.facts, waiting, offer, self.at, self.edition)

    def place_friends(self, agent_id: str) -> None:
        """After they came, left or learnt: some wait for them or no longer, what they hold is stranded."""
        for conversation_id in self.facts.desks[agent_id].given:
            self.note_stranded(conversation_id)
        for conversation_id in sorted(self._waiting_for.get(agent_id, ())):
            self.place_conversation(conversation_id)

    def place_queue(self, queue_id: str) -> None:
        """What waits there asks for what the definition says now, and is offered while it is open."""
        self.note_hours(queue_id)
        for waiting in list(self.facts.waiting.values()):
            if waiting.queue_id == queue_id:
                self.place_conversation(waiting.conversation_id)

    def place_queue_anew(self, queue_id: str) -> None:
        """After its definition has changed."""
        self._lines_by_case.clear()
        self.place_queue(queue_id)
        self.lines.drop_empty()

    def place_all_anew(self) -> None:
        """After the policy has changed."""
        self._lines_by_case.clear()
        self.crew.forget_rooms()
        for queue_id in self.facts.queues:
            self.note_hours(queue_id)
        for conversation_id in list(self.facts.waiting):
            self.place_conversation(conversation_id)
        self.lines.drop_empty()

    def place_conversation(self, conversation_id: str) -> None:
        """Puts the conversation where the facts say: into its line, among the deadlines, or nowhere. Safe to repeat."""
        self.lines.leave(conversation_id)
        self.reserved.pop(conversation_id, None)
        if conversation_id in self._noted:
            self._forget_notes(conversation_id)
        if (waiting := self.facts.waiting.get(conversation_id)) is None:
            return
        if waiting.offer is not None:
            self._noted[conversation_id] = ([], "")
            self.offers_end.note(conversation_id, (waiting.offer.expires_at,))
            self.note_stranded(conversation_id)
        else:
            self._note_times(waiting)
            self.join_line(waiting, waiting.step)

    def join_line(self, waiting: Waiting, step: int) -> None:
        """Puts it into the line for what it asks after so many steps, if its queue is open."""
        if self.is_open(waiting.queue_id):
            key = self.facts.order_key(waiting, self.at)
            self.lines.join(waiting.conversation_id, self._line(waiting, step), key, waiting.position)

    def is_open(self, queue_id: str) -> bool:
        hours = self.facts.definition(queue_id).opening_hours
        return hours is None or hours.is_open(self.at)

    def reach(self, bit: int) -> Reach:
        """The lines that the agent of this bit can and may serve."""
        version, taught = self.lines.version, self.crew.taught[bit]
        known = self._reaches.get(bit)
        if known is not None and known[0] == version and known[1] == taught:
            return known[2]
        reach = self.lines.reach(self.crew.ids[bit], self.crew.agents[bit], self.crew.skills[bit])
        self._reaches[bit] = (version, taught, reach)
        return reach

    def queued(self, queue_id: str) -> list[Waiting]:
        """What waits there and is not offered, in the order in which it came."""
        found = [self.facts.waiting[one] for one in self._queued.get(queue_id, ())]
        return sorted(found, key=lambda waiting: waiting.position)

    def note_hours(self, queue_id: str) -> None:
        """When its hours change next, and whether there is work that may not stay."""
        hours = self.facts.definition(queue_id).opening_hours
        self.changes.note(queue_id, (hours.next_look(self.at),) if hours else ())
        self._note_overfull(queue_id)

    def _line(self, waiting: Waiting, step: int) -> Line:
        """Found by what decides about it, so that the terms are worked out once for many conversations."""
        agent_id = awaited(self.facts, waiting, step, self.at)
        case = _case(waiting, step, agent_id)
        line = self._lines_by_case.get(case)
        if line is None:
            facts = self.facts
            skills, groups = facts.requirement(waiting, step)
            preferred = facts.definition(waiting.queue_id).preferred_skills
            terms = Terms(
                skills=_sorted(skills),
                groups=groups,
                preferred=_sorted(preferred),
                ask=facts.ask(waiting),
                choice=facts.choice(waiting),
                agent_id=agent_id,
            )
            line = self.lines.line(terms)
            if not agent_id:
                self._lines_by_case[case] = line
        return line

    def _note_times(self, waiting: Waiting) -> None:
        """When time alone changes where it stands, for whom it may wait, and how much waits in its queue."""
        facts, conversation_id = self.facts, waiting.conversation_id
        definition, rules = facts.definition(waiting.queue_id), facts.policy.rules
        wished: list[str] = []
        queue_id = ""
        if definition.relaxation or definition.overflow:
            queue_id = waiting.queue_id
            self.steps_due.note(conversation_id, sorted(facts.step_moments(waiting)))
            self._queued.setdefault(queue_id, set()).add(conversation_id)
            self._note_overfull(queue_id)
        is_wished = rules.known_agent_seconds or waiting.preferred_agent_id
        if waiting.declined or is_wished or rules.deadline_lead_seconds:
            wished = [agent_id for agent_id, _ in facts.wishes(waiting)]
            self.changes.note(conversation_id, sorted(facts.change_moments(waiting)))
            if waiting.declined:
                self._declined[conversation_id] = None
            for agent_id in wished:
                self._waiting_for.setdefault(agent_id, set()).add(conversation_id)
        elif not queue_id:
            return
        self._noted[conversation_id] = (wished, queue_id)

    def _forget_notes(self, conversation_id: str) -> None:
        wished, queue_id = self._noted.pop(conversation_id)
        for agenda in (self.offers_end, self.steps_due, self.changes):
            agenda.forget(conversation_id)
        self.stranded.discard(conversation_id)
        self._declined.pop(conversation_id, None)
        for agent_id in wished:
            self._waiting_for[agent_id].discard(conversation_id)
        if queue_id:
            self._queued[queue_id].discard(conversation_id)
            self._note_overfull(queue_id)

    def _note_overfull(self, queue_id: str) -> None:
        rules = self.facts.definition(queue_id).overflow
        waiting = len(self._queued.get(queue_id, ()))
        is_over = any(
            (rule.when is Limit.LENGTH and waiting > rule.limit)
            or (rule.when is Limit.CLOSED and waiting > 0 and not self.is_open(queue_id))
            for rule in rules
        )
        (self.overfull.add if is_over else self.overfull.discard)(queue_id)


def _case(waiting: Waiting, step: int, agent_id: str) -> tuple[object, ...]:
    """All that decides which line it stands in, while the rules are the same."""
    skills_of_its_own = _sorted(waiting.skills) if waiting.skills else ()
    return waiting.queue_id, waiting.channel, step, agent_id, waiting.language, skills_of_its_own


def _sorted(skills: dict[str, int]) -> Skills:
    """The same for every way of writing the same skills."""
    return tuple(sorted(skills.items()))
