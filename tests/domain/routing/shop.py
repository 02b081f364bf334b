"""A shop in memory: the real aggregates, a log, and a router that reads it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from domain import agent, assignment, classification, conversation, customer, intake, offers, policy, queue, workload
from domain.agent import Agent, LoadTaken, Presence
from domain.classification import Marks
from domain.conversation import Conversation, Status
from domain.customer import Customer
from domain.event import Event, Recorded
from domain.intake import InboundMessage, Intake
from domain.interaction import Content
from domain.offers import OfferGone
from domain.policy import Policy, RoutingPolicy
from domain.queue import QueueDefinition
from domain.routing.decide import DECISIONS_MAX, decide
from domain.routing.decisions import Decision, Expire, Offer, Overflow, Relax, Withdraw
from domain.routing.evolve import evolve
from domain.routing.state import RouterState
from tests.domain.situations import NOON

Work = tuple[str, Conversation]
"""A conversation with the customer whose it is."""


class Shop:
    """Every command decides with the domain, and records what it decided where the router reads it."""

    def __init__(self) -> None:
        self.now = NOON
        self.log: list[Recorded] = []
        self.router = RouterState()
        self.policy: Policy = policy.NEW
        self.queues: dict[str, queue.Queue] = {}
        self.agents: dict[str, Agent] = {}
        self.customers: dict[str, Customer] = {}
        self.reads_each = 1
        """How often the router is given each event: a reader that starts again gets some twice."""
        self.wrongs: list[str] = []
        """Who was given work and should not have been; to stay empty."""
        self.unreadable: set[str] = set()
        """Customers of whom something cannot be read, so that nobody can decide anything about them."""

    def record(self, stream: str, events: Sequence[Event]) -> None:
        """Appends to the log, and moves everything on that reads it."""
        for event in events:
            recorded = a_recorded(event, stream=stream, position=len(self.log) + 1, at=self.now)
            self.log.append(recorded)
            self._evolve_aggregate(stream, event)
            for _ in range(self.reads_each):
                evolve(self.router, recorded)

    def _evolve_aggregate(self, stream: str, event: Event) -> None:
        match stream.partition("-")[0]:
            case "customer":
                self.customers[stream] = customer.evolve(self.customers.get(stream, customer.NEW), event)
            case "agent":
                before = self.agents.get(stream, agent.NEW)
                if isinstance(event, LoadTaken):
                    self._demand_takable(stream, before, event)
                self.agents[stream] = agent.evolve(before, event)
            case "queue":
                self.queues[stream] = queue.evolve(self.queues.get(stream, queue.NEW), event)
            case "policy":
                self.policy = policy.evolve(self.policy, event)

    def _demand_takable(self, agent_id: str, before: Agent, taken: LoadTaken) -> None:
        is_offer = taken.conversation_id not in before.on_hold
        if is_offer and before.presence is not Presence.AVAILABLE:
            self.wrongs.append(f"{agent_id} was {before.presence}")
        if not workload.has_room(before, self.policy.rules.ask(taken.channel, taken.units)):
            self.wrongs.append(f"{agent_id} had no room")

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def every(self, *statuses: Status) -> list[Work]:
        """The conversations that stand like this, in the order of their ids, but for those that are set aside."""
        return [work for work in self._all(*statuses) if not self.is_aside(work[1].id)]

    def is_aside(self, conversation_id: str) -> bool:
        return any(conversation_id in one.set_aside for one in self.queues.values())

    def _all(self, *statuses: Status) -> list[Work]:
        found = (
            (customer_id, one)
            for customer_id, known in self.customers.items()
            for one in known.conversations.values()
            if one.status in statuses
        )
        return sorted(found, key=lambda work: work[1].id)

    def find(self, conversation_id: str) -> Work:
        return next(work for work in self._all(*Status) if work[1].id == conversation_id)

    def adopt(self, rules: RoutingPolicy) -> None:
        self.record("policy-1", policy.define(self.policy, rules, sha256=""))

    def open_queue(self, queue_id: str, skills: dict[str, int], **definition: object) -> None:
        defined = {"name": queue_id, "required_skills": skills, **definition}
        self.record(
            queue_id, queue.define(self.queues.get(queue_id, queue.NEW), msgspec.convert(defined, QueueDefinition))
        )

    def hire(self, agent_id: str, skills: dict[str, int], capacity: int) -> None:
        self.record(agent_id, agent.register(agent.NEW, name=agent_id, skills=skills, capacity=capacity))

    def turn(self, agent_id: str, presence: Presence, reason: str = "") -> None:
        """Changes the agent's presence, signing in first where need be."""
        if presence is not Presence.OFFLINE:
            self.record(agent_id, agent.sign_in(self.agents[agent_id]))
        self.record(agent_id, agent.change_presence(self.agents[agent_id], presence, reason))

    def train(self, agent_id: str, skills: dict[str, int], expires: dict[str, datetime] | None = None) -> None:
        self.record(agent_id, agent.assign_skills(self.agents[agent_id], skills, expires))

    def entitle(self, agent_id: str, *, groups: Sequence[str] = (), channels: Sequence[str] = ()) -> None:
        entitled = agent.set_eligibility(self.agents[agent_id], groups=frozenset(groups), channels=frozenset(channels))
        self.record(agent_id, entitled)

    def allow(self, agent_id: str, capacity: int) -> None:
        self.record(agent_id, agent.set_capacity(self.agents[agent_id], capacity))

    def arrive(self, conversation_id: str, queue_id: str, *, channel: str = "webchat", priority: int = 0) -> None:
        """A customer nobody has met writes, and waits in the queue."""
        message = InboundMessage(
            provider_id=conversation_id, handle=conversation_id, content=Content(text="Hello?"), occurred_at=self.now
        )
        events = intake.receive_message(
            customer.NEW,
            message,
            channel=channel,
            account_id=f"account-{channel}",
            scope="",
            intake=self._intake(queue_id, priority),
            message_id=f"message-{conversation_id}",
            new_conversation_id=conversation_id,
            at=self.now,
        )
        self.record(f"customer-{conversation_id}", events)

    def _intake(self, queue_id: str, priority: int) -> Intake:
        definition = self.queues.get(queue_id, queue.NEW).definition
        level = timedelta(seconds=definition.service_level_seconds) if definition else None
        return Intake(queue_id=queue_id, priority=priority, service_level=level)

    def accept(self, conversation_id: str) -> None:
        customer_id, one = self.find(conversation_id)
        self.record(customer_id, offers.accept_offer(one, offer_id=one.offer_id or "", agent_id=one.agent_id or ""))

    def decline(self, conversation_id: str) -> None:
        customer_id, one = self.find(conversation_id)
        agent_id = one.agent_id or ""
        self.record(
            customer_id, offers.decline_offer(one, offer_id=one.offer_id or "", agent_id=agent_id, reason="lunch")
        )
        self._release(agent_id, one, "declined")

    def hold(self, conversation_id: str) -> None:
        customer_id, one = self.find(conversation_id)
        self.record(customer_id, assignment.hold(one, agent_id=one.agent_id or "", reason="asks the warehouse"))
        self._release(one.agent_id, one, "held")

    def resume(self, conversation_id: str) -> None:
        """Raises AtCapacity."""
        customer_id, one = self.find(conversation_id)
        agent_id = one.agent_id or ""
        resumed = assignment.resume(one, agent_id=agent_id)
        load = workload.resume_load(
            self.agents[agent_id],
            conversation_id=one.id,
            customer_id=customer_id,
            ask=self.policy.rules.ask(one.channel, one.units),
        )
        self.record(customer_id, resumed)
        self.record(agent_id, load)

    def transfer(self, conversation_id: str, queue_id: str, skills: dict[str, int] | None = None) -> None:
        customer_id, one = self.find(conversation_id)
        self._take_back_offer(one)
        _, one = self.find(conversation_id)
        self.record(customer_id, assignment.transfer(one, to_queue_id=queue_id))
        self._release(one.agent_id, one, "transferred")
        _, moved = self.find(conversation_id)
        self.record(
            customer_id, assignment.enqueue(moved, queue_id=queue_id, at=self.now, due_at=moved.due_at, skills=skills)
        )

    def close(self, conversation_id: str) -> None:
        customer_id, one = self.find(conversation_id)
        self._take_back_offer(one)
        _, one = self.find(conversation_id)
        self.record(customer_id, conversation.close(one, disposition="done", reopenable_until=self.now))
        self._release(one.agent_id, one, "closed")

    def prioritize(self, conversation_id: str, priority: int) -> None:
        customer_id, one = self.find(conversation_id)
        self.record(customer_id, conversation.set_priority(one, priority))

    def classify(self, conversation_id: str, **marks: str) -> None:
        customer_id, one = self.find(conversation_id)
        self.record(customer_id, classification.classify(one, Marks(**marks)))

    def adjust_age(self, conversation_id: str, seconds: int) -> None:
        customer_id, one = self.find(conversation_id)
        self.record(customer_id, classification.adjust_age(one, seconds, reason="waited elsewhere"))

    def prefer(self, conversation_id: str, agent_id: str | None, *, later_too: bool = False) -> None:
        customer_id, one = self.find(conversation_id)
        self.record(customer_id, classification.prefer(one, agent_id, later_too=later_too, reason="knows the case"))

    def decide(self, limit: int = DECISIONS_MAX) -> list[Decision]:
        return decide(self.router, self.now, limit)

    def route(self, limit: int = DECISIONS_MAX) -> list[Decision]:
        """Does everything that the router decides now."""
        decisions = self.decide(limit)
        for decision in decisions:
            self.obey(decision)
        return decisions

    def obey(self, decision: Decision) -> None:
        """Appends what the decision says; the domain refuses what it must not say. What cannot be read is set aside."""
        customer_id, one = self.find(decision.conversation_id)
        if customer_id in self.unreadable:
            self._set_aside(decision, one)
            return
        match decision:
            case Offer(agent_id=agent_id, ask=ask):
                load = workload.take_load(
                    self.agents[agent_id], conversation_id=one.id, customer_id=customer_id, ask=ask
                )
                offered = offers.offer(
                    one,
                    offer_id=decision.offer_id,
                    agent_id=agent_id,
                    units=ask.units,
                    expires_at=decision.expires_at,
                    choice=decision.choice,
                )
                self.record(customer_id, offered)
                self.record(agent_id, load)
            case Expire(agent_id=agent_id, offer_id=offer_id):
                self.record(customer_id, offers.expire_offer(one, offer_id=offer_id, at=self.now))
                self._release(agent_id, one, "expired")
                if self.agents[agent_id].is_signed_in:
                    self.turn(agent_id, Presence.AWAY, "missed an offer")
            case Relax(queue_id=queue_id, step=step, skills=skills, groups=groups):
                relaxed = classification.relax(one, queue_id=queue_id, step=step, skills=skills, groups=groups)
                self.record(customer_id, relaxed)
            case Overflow(queue_id=queue_id, rule=rule, gave_up=gave_up):
                overflown = classification.overflow(one, rule, queue_id=queue_id, at=self.now, gave_up=gave_up)
                self.record(customer_id, overflown)
            case Withdraw(offer_id=offer_id):
                if one.offer_id != offer_id:
                    raise OfferGone
                self._take_back_offer(one)

    def _set_aside(self, decision: Decision, one: Conversation) -> None:
        """Out of the line, and out of the hands of whoever is offered it: as `AssignWork.set_aside` appends it."""
        self.record(one.queue_id or "", queue.set_aside(one.id, customer_id=decision.customer_id, reason="spoilt"))
        if isinstance(decision, Offer | Expire | Withdraw):
            self._release(decision.agent_id, one, "withdrawn")

    def _take_back_offer(self, one: Conversation) -> None:
        customer_id, _ = self.find(one.id)
        if withdrawn := offers.withdraw_offer(one, reason="taken back"):
            self.record(customer_id, withdrawn)
            self._release(one.agent_id, one, "withdrawn")

    def _release(self, agent_id: str | None, one: Conversation, reason: str) -> None:
        if agent_id is not None:
            released = workload.release_load(self.agents[agent_id], conversation_id=one.id, reason=reason)
            self.record(agent_id, released)


def a_recorded(event: Event, *, stream: str, position: int, at: datetime = NOON, actor: str = "test") -> Recorded:
    """An event in its envelope."""
    return Recorded(
        event=event,
        topic=event.TOPIC,
        stream=stream,
        version=1,
        position=position,
        occurred_at=at,
        recorded_at=at,
        actor=actor,
    )


def replayed(log: Sequence[Recorded]) -> RouterState:
    """A router that starts cold and reads the whole log."""
    state = RouterState()
    for recorded in log:
        evolve(state, recorded)
    return state
