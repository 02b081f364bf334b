"""The floor: agents, queues, rules and waiting work, as the events tell them and without the router's help.

The rules of who may be given what are told here a second time, plainly, so that a mistake of the router's order, lines
or reservations would have to be made twice to go unseen.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from application.proofs.items import Case, Item, changed, entered, ranked
from application.proofs.room import crowded_by
from domain import agent, policy, queue
from domain.agent import Agent, Presence
from domain.assignment import ConversationEnqueued, ConversationTransferred, OfferAccepted
from domain.classification import ConversationOverflowed
from domain.conversation import ConversationClosed
from domain.event import Event, Recorded, kind_of
from domain.policy import Policy
from domain.queue import QueueDefined, QueueDefinition, WorkSetAside
from domain.workload import Ask

NOTHING_ASKED = QueueDefinition(name="undefined")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GONE = frozenset({OfferAccepted, ConversationTransferred, ConversationOverflowed, ConversationClosed})

Terms = tuple[dict[str, int], tuple[str, ...], Ask]
"""Skills, groups and capacity that a case asks for."""


class Floor:
    """Moves on with `apply`. Keeps no order and reserves nothing."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.agents_changed_at: dict[str, datetime] = {}
        self.free: set[str] = set()
        """Agents who are available and have room for something, perhaps."""
        self.items: dict[str, Item] = {}
        self.cases: dict[Case, dict[str, Item]] = {}
        """What waits and is not offered, by what it asks."""
        self.policy: Policy = policy.NEW
        self.rules_changed_at = EPOCH
        """When the policy or a queue was last defined."""
        self._lost: set[str] = set()
        self._queues: dict[str, queue.Queue] = {}
        self._terms: dict[Case, Terms] = {}

    def apply(self, recorded: Recorded) -> None:
        """What the event changes."""
        stream, event = recorded.stream, recorded.event
        match kind_of(stream):
            case "agent" if stream not in self._lost:
                self.agents[stream] = agent.evolve(self.agents.get(stream, agent.NEW), event)
                self.agents_changed_at[stream] = recorded.recorded_at
                self._note_free(stream)
            case "queue":
                self._queues[stream] = queue.evolve(self._queues.get(stream, queue.NEW), event)
                if isinstance(event, QueueDefined):
                    self._rules_changed(recorded.recorded_at)
                elif isinstance(event, WorkSetAside):
                    self._take_out(event.conversation_id)
            case "policy":
                self.policy = policy.evolve(self.policy, event)
                self._rules_changed(recorded.recorded_at)
            case "customer":
                self._apply_to_item(recorded, event)

    def lose(self, stream: str) -> list[str]:
        """Something of it cannot be read: whose it is, is on the floor no longer. Returns the conversations among it.

        A conversation comes back when it is enqueued again, which says all that there is to know; an agent does not.
        Of a queue or the rules, what was readable before counts on.
        """
        self._lost.add(stream)
        self.agents.pop(stream, None)
        self.free.discard(stream)
        lost = [one.conversation_id for one in self.items.values() if one.customer_id == stream]
        for conversation_id in lost:
            self._take_out(conversation_id)
        return lost

    def _rules_changed(self, at: datetime) -> None:
        self.rules_changed_at = at
        self._terms.clear()
        for agent_id in self.agents:
            self._note_free(agent_id)
        for item in self.items.values():
            ranked(item, self.policy.rules)

    def _note_free(self, agent_id: str) -> None:
        somebody = self.agents[agent_id]
        is_full = somebody.load >= somebody.capacity and not self.policy.rules.yields
        is_free = somebody.presence is Presence.AVAILABLE and not is_full
        (self.free.add if is_free else self.free.discard)(agent_id)

    def _apply_to_item(self, recorded: Recorded, event: Event) -> None:
        conversation_id = getattr(event, "conversation_id", "")
        item = self._take_out(conversation_id)
        if isinstance(event, ConversationEnqueued):
            item = entered(recorded, event, self.policy.rules)
        elif item is None or type(event) in GONE:
            return
        else:
            changed(item, recorded, self.policy.rules)
        self.items[conversation_id] = item
        if item.offered_to is None:
            self.cases.setdefault(item.case, {})[conversation_id] = item

    def _take_out(self, conversation_id: str) -> Item | None:
        if (item := self.items.pop(conversation_id, None)) is not None:
            waiting = self.cases.get(item.case, {})
            if waiting.pop(conversation_id, None) is not None and not waiting:
                del self.cases[item.case]
        return item

    def definition(self, queue_id: str) -> QueueDefinition:
        """A queue that was never defined asks nothing."""
        return self._queues.get(queue_id, queue.NEW).definition or NOTHING_ASKED

    def is_open(self, queue_id: str, at: datetime) -> bool:
        hours = self.definition(queue_id).opening_hours
        return hours is None or hours.is_open(at)

    def ask(self, item: Item) -> Ask:
        """What the item asks of an agent's capacity."""
        return self.terms(item.case)[2]

    def waits_for(self, item: Item, at: datetime) -> str:
        """The agent who was named for it, else the one who knows the customer, while the item waits for nobody else."""
        for agent_id, ends_at in self.waits(item):
            somebody = self.agents.get(agent_id)
            is_there = somebody is not None and somebody.presence is Presence.AVAILABLE and agent_id not in item.rests
            if at < ends_at and somebody and is_there and self._is_able(somebody, item.case, at):
                return agent_id
        return ""

    def waits(self, item: Item) -> Iterator[tuple[str, datetime]]:
        """For whom it may wait, and until when. Where the rules wait for nobody, they do not with a clock set back."""
        rules = self.policy.rules
        for agent_id, since, seconds in (
            (item.preferred_agent_id, item.preferred_at, rules.preferred_agent_seconds),
            (item.known_agent_id, item.entered_at, rules.known_agent_seconds),
        ):
            if agent_id and seconds:
                yield agent_id, since + timedelta(seconds=seconds)

    def may_take(self, agent_id: str, somebody: Agent, item: Item, at: datetime) -> bool:
        """Whether the agent, as they stand, could be given the item at that moment."""
        return (
            item.rests.get(agent_id, at) <= at
            and self.may_take_such(somebody, item.case, at)
            and self.waits_for(item, at) in ("", agent_id)
        )

    def may_take_such(self, somebody: Agent, case: Case, at: datetime) -> bool:
        """Whether the agent, as they stand, could be given what asks so, if nothing but that counted."""
        return (
            somebody.presence is Presence.AVAILABLE
            and self._is_able(somebody, case, at)
            and self._has_room(somebody, self.terms(case)[2])
            and self.is_open(case.queue_id, at)
        )

    def may_take_such_once_done(self, somebody: Agent, case: Case, at: datetime) -> bool:
        """Whether the agent is at work and could be given what asks so, were it not for what keeps them busy."""
        return self.may_take_such(replace(somebody, work={}), case, at)

    def _has_room(self, somebody: Agent, ask: Ask) -> bool:
        rules = self.policy.rules
        return not crowded_by(somebody, rules, channel=ask.channel, kind=ask.kind, units=ask.units)

    def _is_able(self, somebody: Agent, case: Case, at: datetime) -> bool:
        skills, groups, _ = self._terms.get(case) or self.terms(case)
        if groups and not somebody.groups.intersection(groups):
            return False
        if not somebody.may_serve(case.channel):
            return False
        has = somebody.skills_at(at)
        return not skills or all(has.get(skill, 0) >= level for skill, level in skills.items())

    def terms(self, case: Case) -> Terms:
        """Of the queue at that step; the language and what was asked for on top fall away by the same steps."""
        if (known := self._terms.get(case)) is not None:
            return known
        definition, rules = self.definition(case.queue_id), self.policy.rules
        skills, groups = definition.requirement(case.step)
        asked = dict(case.skills)
        if rules.language_prefix and case.language:
            language = rules.language_prefix + case.language
            if asked.get(language) != 0:
                asked[language] = max(asked.get(language, 0), rules.language_level)
        for step in definition.relaxation[: case.step]:
            for skill in step.drop:
                asked.pop(skill, None)
        wanted = {skill: max(skills.get(skill, 0), asked.get(skill, 0)) for skill in {*skills, *asked}}
        ask = rules.ask(case.channel, definition.units.get(case.channel))
        self._terms[case] = wanted, groups, ask
        return self._terms[case]
