"""A witness reads the whole log, event by event, and demands at each that the promises are kept."""

from collections import Counter
from datetime import datetime

import msgspec

from application.proofs.floor import Floor
from application.proofs.loads import Loads
from domain import agent, customer
from domain.agent import Agent, LoadReleased, LoadTaken, Presence, PresenceChanged
from domain.assignment import ConversationEnqueued, ConversationOffered, OfferAccepted, OfferDeclined, OfferExpired
from domain.conversation import Conversation, ConversationReopened, Status
from domain.customer import Customer
from domain.event import Recorded, kind_of
from domain.interaction import Content, MessageContradicted, MessageReceived
from domain.routing.evolve import TOPICS

AT_WORK = (Status.OFFERED, Status.ASSIGNED, Status.WRAPPING)


class Stored(msgspec.Struct, frozen=True):
    """A message as it stands in the log."""

    account_id: str
    provider_id: str
    content: Content
    message_id: str


Asked = tuple[str | None, str, dict[str, int]]
"""Queue, language, and the skills on top."""


def asked_by(one: Conversation) -> Asked:
    return one.queue_id, one.language, one.skills


class Witness:
    """Knows what the log says, from the events alone, and nothing that the code under test remembers."""

    def __init__(self) -> None:
        self.log: list[Recorded] = []
        self.customers: dict[str, Customer] = {}
        self.agents: dict[str, Agent] = {}
        self.messages: dict[int, Stored] = {}
        """By position."""
        self.contradictions: set[tuple[str, Content]] = set()
        self.floor = Floor()
        self._loads = Loads(self.floor)
        self._missing: set[str] = set()
        """Agents who missed an offer and have to be away next."""
        self._asked: dict[str, list[tuple[int, Asked]]] = {}
        """What each conversation asked for, from each position on."""
        self._versions: Counter[str] = Counter()
        self._provider_ids: set[tuple[str, str]] = set()
        self._waiting_since: dict[str, object] = {}

    @property
    def position(self) -> int:
        return len(self.log)

    def conversations(self, *statuses: Status) -> list[tuple[str, Conversation]]:
        """Those that stand like this, each with its customer, in the order in which they were opened."""
        return [
            (customer_id, one)
            for customer_id, known in self.customers.items()
            for one in known.conversations.values()
            if one.status in statuses
        ]

    def take(self, recorded: Recorded) -> None:
        """Demands what must hold at every event."""
        assert recorded.position == self.position + 1, "positions have no holes"
        self._versions[recorded.stream] += 1
        assert recorded.version == self._versions[recorded.stream], "versions have no holes"
        self.log.append(recorded)
        match kind_of(recorded.stream):
            case "customer":
                self._take_customer_event(recorded)
            case "agent":
                self._take_agent_event(recorded)
        if recorded.topic in TOPICS:
            self.floor.apply(recorded)

    def _take_agent_event(self, recorded: Recorded) -> None:
        stream, event = recorded.stream, recorded.event
        assert list(self._loads.look(recorded)) == [], "somebody carries too much"
        assert not isinstance(event, LoadTaken) or event.conversation_id not in self.agents[stream].work
        if stream in self._missing:
            assert isinstance(event, PresenceChanged), "who missed an offer is away"
            assert event.presence is Presence.AWAY
            self._missing.remove(stream)
        self.agents[stream] = agent.evolve(self.agents.get(stream, agent.NEW), event)
        if isinstance(event, LoadReleased) and event.reason == "expired":
            self._missing |= {stream} if self.agents[stream].presence is Presence.AVAILABLE else set()

    def _take_customer_event(self, recorded: Recorded) -> None:
        before = self.customers.get(recorded.stream, customer.NEW)
        match recorded.event:
            case MessageReceived() as received:
                self._take_message(recorded.position, received)
            case MessageContradicted(message_id=message_id, content=content):
                assert (message_id, content) not in self.contradictions, "one other content is told once"
                self.contradictions.add((message_id, content))
            case ConversationOffered(conversation_id=conversation_id):
                waiting = before.conversation(conversation_id)
                assert (waiting.status, waiting.offer_id) == (Status.WAITING, None), "a second live offer"
                self._demand_it_asks_for_the_same(recorded.event, waiting)
                self._demand_the_rules_allow_it(recorded.event, recorded.occurred_at)
            case OfferAccepted() | OfferDeclined() | OfferExpired() as answered:
                offered = before.conversation(answered.conversation_id)
                given = (answered.offer_id, answered.agent_id)
                assert (offered.offer_id, offered.agent_id) == given, "the offer is theirs, and stands"
                if isinstance(answered, OfferExpired) and offered.offer_expires_at is not None:
                    assert recorded.occurred_at >= offered.offer_expires_at, "its time was not over"
            case ConversationReopened(conversation_id=conversation_id):
                self._waiting_since.pop(conversation_id, None)
            case ConversationEnqueued(conversation_id=conversation_id, waiting_since=since):
                assert self._waiting_since.setdefault(conversation_id, since) == since, "it lost its age"
        now = self.customers[recorded.stream] = customer.evolve(before, recorded.event)
        if (one := now.conversations.get(getattr(recorded.event, "conversation_id", ""))) is not None:
            self._asked.setdefault(one.id, []).append((recorded.position, asked_by(one)))

    def _demand_it_asks_for_the_same(self, offered: ConversationOffered, waiting: Conversation) -> None:
        """As when the router chose the agent."""
        if offered.choice is not None:
            past = [asked for position, asked in self._asked[waiting.id] if position <= offered.choice.position]
            assert past[-1] == asked_by(waiting), "it asks for something else by now"

    def _demand_the_rules_allow_it(self, offered: ConversationOffered, at: datetime) -> None:
        """As they are now, not only as they were when the router chose the agent."""
        if offered.choice is not None:
            assert offered.conversation_id in self.floor.items, "it is in no line"
            somebody, item = self.agents[offered.agent_id], self.floor.items[offered.conversation_id]
            assert self.floor.may_take_such(somebody, item.case, at), "they may not have it by now"

    def _take_message(self, position: int, received: MessageReceived) -> None:
        key = (received.account_id, received.provider_id)
        assert key not in self._provider_ids, f"{received.provider_id} is stored twice"
        self._provider_ids.add(key)
        self.messages[position] = Stored(*key, received.content, received.message_id)

    def demand_agents_hold_what_conversations_say(self) -> None:
        """Holds between appends: both streams are written together."""
        assert not self._missing, "who missed an offer is away"
        work = [(one.agent_id, one.id, whose, one.units) for whose, one in self.conversations(*AT_WORK)]
        on_hold = [(one.agent_id, one.id, whose) for whose, one in self.conversations(Status.ON_HOLD)]

        assert sorted(work) == sorted(
            (agent_id, conversation_id, held.customer_id, held.units)
            for agent_id, known in self.agents.items()
            for conversation_id, held in known.work.items()
        )
        assert sorted(on_hold) == sorted(
            (agent_id, conversation_id, customer_id)
            for agent_id, known in self.agents.items()
            for conversation_id, customer_id in known.on_hold.items()
        )

    def demand_nobody_who_left_holds_anything(self) -> None:
        left = {agent_id: one for agent_id, one in self.agents.items() if not one.is_signed_in}
        assert [agent_id for agent_id, one in left.items() if one.work or one.on_hold] == []
