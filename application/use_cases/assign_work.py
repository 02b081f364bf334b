"""Assign work: carries the router's decisions out, each on the streams it concerns, all of it or nothing."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial, reduce
from typing import Any

from application.commands import ATTEMPTS_MAX, Command, Commands, Contended, Done
from application.directory import POLICY
from application.log import UnreadableEvent
from domain import agent, assignment, classification, offers, queue, workload
from domain.agent import Agent, Presence
from domain.conversation import Conversation, Status
from domain.customer import Customer
from domain.event import Event, Recorded
from domain.offers import NotWaiting
from domain.parts import evolve_conversation
from domain.policy import Policy
from domain.queue import Queue
from domain.routing.decisions import Decision, Expire, Offer, Overflow, Relax, Ruled, Withdraw, demand_same_rules
from domain.routing.lacking import bars
from domain.routing.pull import NotEligible

READABLE = "it can be read again"


def streams_of(decision: Decision) -> tuple[str, ...]:
    """The streams that it writes to: the customer's, and the agent's where one is concerned."""
    match decision:
        case Offer() | Expire() | Withdraw():
            return decision.customer_id, decision.agent_id
        case Relax() | Overflow():
            return (decision.customer_id,)


def _looked_at(decision: Decision) -> tuple[str, ...]:
    """These, and those of the rules that it was made by."""
    rules = (POLICY, decision.queue_id) if isinstance(decision, Ruled) else ()
    return *streams_of(decision), *rules


class _AgentMoved(Exception):
    """The conversation went to another agent between reading and deciding."""


class AssignWork:
    """A decision that is stale by now is refused here, by the same rules that hold for everybody.

    The one place where the world of a decision is held against that of its append: the conversation, the agent's
    skills and room, the queue and the policy are looked at as they are now, and the append demands that they still are.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def prepare(self, decisions: Iterable[Decision]) -> None:
        """Reads together what they are checked against, so that they need not read it one by one."""
        streams = {stream for one in decisions for stream in _looked_at(one)}
        await self._commands.states.load_all(streams)

    def saw(self, batch: Iterable[Recorded]) -> None:
        """Keeps what decisions are checked against in step with what others append."""
        for recorded in batch:
            self._commands.states.saw(recorded)

    async def carry_out(self, command: Command, decision: Decision) -> Done:
        """Rules that nobody can read any more refuse nothing: those before them go on, as the router has them.

        Raises NotWaiting, NotAvailable, NotEligible, QueueClosed, AtCapacity, OfferGone, RulesMoved, Contended,
        LogBusy, LogUnreachable.
        """
        streams = streams_of(decision)
        decide = _rule_for(decision, command.at)
        if not isinstance(decision, Ruled):
            return await self._commands.carry_out(command, streams, decide)

        def decide_by_rules(*states: Any) -> list[list[Event]]:
            *given, rules, definition = states
            demand_same_rules(decision, definition, rules)
            return [*decide(*given), [], []]

        try:
            return await self._commands.carry_out(command, _looked_at(decision), decide_by_rules)
        except UnreadableEvent as lost:
            if lost.stream not in (POLICY, decision.queue_id):
                raise
            return await self._commands.carry_out(command, streams, decide)

    async def set_aside(self, command: Command, decision: Decision, queue_id: str, reason: str) -> Done:
        """Takes work that cannot be read out of its line, and out of the hands of the agent it is offered to.

        Written beside the customer's stream, where nothing can be decided. Raises Contended, LogBusy, LogUnreachable.
        """
        conversation_id, customer_id = decision.conversation_id, decision.customer_id

        def decide(_: Queue, *holders: Agent) -> list[list[Event]]:
            return [
                queue.set_aside(conversation_id, customer_id=customer_id, reason=reason),
                *(workload.release_load(one, conversation_id=conversation_id, reason="withdrawn") for one in holders),
            ]

        _, *agent_ids = streams_of(decision)
        return await self._commands.carry_out(command, [queue_id, *agent_ids], decide)

    async def put_back(
        self, command: Command, conversation_id: str, customer_id: str, queue_id: str = "", *, is_in_line: bool = False
    ) -> Done:
        """What could not be read is again with somebody, or waits, if it can be read by now.

        What waits or is offered waits again, with its age and all it asked for, unless the router knows that it does.
        What an agent had accepted stays with them, with the load that was taken from them; of one who has left it waits
        again too. `queue_id`: where it was set aside, if it was. Raises ConversationUnknown, UnreadableEvent,
        Contended, LogBusy, LogUnreachable.
        """
        for _ in range(ATTEMPTS_MAX):
            customer: Customer
            customer, _version = await self._commands.states.load(customer_id)
            agent_id = customer.conversation(conversation_id).agent_id

            def decide(
                now: Customer, policy: Policy, *others: Any, agent_id: str | None = agent_id
            ) -> list[list[Event]]:
                one = now.conversation(conversation_id)
                if one.agent_id != agent_id:
                    raise _AgentMoved
                holders, aside = (others[:1], others[1:]) if agent_id else ((), others)
                back = [queue.put_back(known, conversation_id) for known in aside]
                if is_in_line:
                    return [[], [], *([] for _ in holders), *back]
                of_customer, *of_holder = _put_back(one, customer_id, command.at, policy, *holders)
                return [of_customer, [], *of_holder, *back]

            streams = [customer_id, POLICY, *([agent_id] if agent_id else []), *([queue_id] if queue_id else [])]
            try:
                return await self._commands.carry_out(command, streams, decide)
            except _AgentMoved:
                self._commands.states.forget(customer_id)
        raise Contended


def _rule_for(decision: Decision, at: datetime) -> Callable[..., list[list[Event]]]:
    """What the decision comes to, from the states of its streams."""
    match decision:
        case Offer():
            return partial(_offer, decision, at)
        case Expire():
            return partial(_expire, decision, at)
        case Withdraw():
            return partial(_withdraw, decision)
        case Relax():
            return partial(_relax, decision)
        case Overflow():
            return partial(_overflow, decision, at)


def _offer(decision: Offer, at: datetime, customer: Customer, winner: Agent) -> list[list[Event]]:
    one = customer.conversation(decision.conversation_id)
    if one.queue_id != decision.queue_id:  # another queue asks for other skills
        raise NotWaiting(f"the conversation no longer waits in {decision.queue_id}")
    if (one.language, one.skills, one.steps) != (decision.language, decision.skills, decision.choice.step):
        raise NotWaiting("the conversation asks for something else by now")
    if lack := bars(winner, winner.skills_at(at), decision.terms.skills, decision.terms.groups, one.channel):
        raise NotEligible(lack)
    offered = offers.offer(
        one,
        offer_id=decision.offer_id,
        agent_id=decision.agent_id,
        units=decision.units,
        expires_at=decision.expires_at,
        choice=decision.choice,
    )
    load = workload.take_load(winner, conversation_id=one.id, customer_id=decision.customer_id, ask=decision.ask)
    return [offered, load]


def _expire(decision: Expire, at: datetime, customer: Customer, missing: Agent) -> list[list[Event]]:
    """The agent who missed it is away from now on, so that nobody waits for them again."""
    one = customer.conversation(decision.conversation_id)
    expired = offers.expire_offer(one, offer_id=decision.offer_id, at=at)
    released = workload.release_load(missing, conversation_id=one.id, reason="expired")
    if missing.is_signed_in:
        released += agent.change_presence(missing, Presence.AWAY, "missed an offer")
    return [expired, released]


def _withdraw(decision: Withdraw, customer: Customer, left: Agent) -> list[list[Event]]:
    """Nothing where the offer is gone already."""
    one = customer.conversation(decision.conversation_id)
    if one.offer_id != decision.offer_id:
        return [[], []]
    withdrawn = offers.withdraw_offer(one, reason=decision.reason)
    released = workload.release_load(left, conversation_id=one.id, reason="withdrawn") if withdrawn else []
    return [withdrawn, released]


def _relax(decision: Relax, customer: Customer) -> list[list[Event]]:
    """It asks less of an agent from now on."""
    relaxed = classification.relax(
        customer.conversation(decision.conversation_id),
        queue_id=decision.queue_id,
        step=decision.step,
        skills=decision.skills,
        groups=decision.groups,
    )
    return [relaxed]


def _overflow(decision: Overflow, at: datetime, customer: Customer) -> list[list[Event]]:
    """It waits elsewhere from now on, with its age."""
    one = customer.conversation(decision.conversation_id)
    rule, gave_up = decision.rule, decision.gave_up
    return [classification.overflow(one, rule, queue_id=decision.queue_id, at=at, gave_up=gave_up)]


def _put_back(one: Conversation, customer_id: str, at: datetime, policy: Policy, *holders: Agent) -> list[list[Event]]:
    """The customer's events, then those of the agent who has it, if one has."""
    is_offer = one.status in (Status.WAITING, Status.OFFERED)
    if is_offer or (one.holder and not all(holder.is_signed_in for holder in holders)):
        let_go = [workload.release_load(holder, conversation_id=one.id, reason="withdrawn") for holder in holders]
        return [_wait_again(one, at), *let_go]
    if not one.holder or any(one.id in holder.work or one.id in holder.on_hold for holder in holders):
        return [[], *([] for _ in holders)]
    (holder,) = holders
    ask = policy.rules.ask(one.channel, one.units)
    load = workload.resume_load(holder, conversation_id=one.id, customer_id=customer_id, ask=ask, override=READABLE)
    if one.status is Status.ON_HOLD:
        holding = reduce(agent.evolve, load, holder)
        load += workload.release_load(holding, conversation_id=one.id, reason="held")
    return [[], load]


def _wait_again(one: Conversation, at: datetime) -> list[Event]:
    """In its queue, as it did."""
    assert one.queue_id is not None  # what has waited has one
    events = offers.withdraw_offer(one, reason="set aside")
    events += assignment.transfer(one, to_queue_id=one.queue_id, reason=READABLE)
    return events + assignment.enqueue(
        reduce(evolve_conversation, events, one),
        queue_id=one.queue_id,
        at=at,
        due_at=one.due_at,
        skills=one.skills,
        overflowed_from=one.overflowed_from,
    )
