"""How a command on one conversation is carried out: on its customer's stream and on those of the agents concerned."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from application.commands import Command, Commands, Contended, Done, demand_revision
from application.directory import Directory
from application.exchange.limits import Limits, Takes
from application.log import Claim
from domain import assignment, offers, queue, workload
from domain.agent import Agent
from domain.conversation import Conversation, Status
from domain.customer import Customer
from domain.event import Event
from domain.interaction import Attachment, ChannelTakesNoReplies
from domain.media import digest_of
from domain.offers import NotWaiting
from domain.parts import evolve_conversation
from domain.routing.facts import Facts, Waiting, waiting_from
from domain.workload import Ask

Decided = tuple[list[Event], list[Event]]
"""Events of the customer's stream and of the agent's."""


class _AgentMoved(Exception):
    """The conversation went to another agent between reading and deciding."""


class Desk:
    """What the use cases that change a conversation share."""

    def __init__(self, commands: Commands, directory: Directory, takes: Takes) -> None:
        self.directory = directory
        self._commands = commands
        self._takes = takes

    async def change(
        self,
        command: Command,
        customer_id: str,
        conversation_id: str,
        decide: Callable[..., tuple[list[Event], ...]],
        *other_agent_ids: str,
        claims: Sequence[Claim] = (),
    ) -> Done:
        """Decides on the conversation, the agent who has it (if any), and those named who are not that agent.

        Raises ConversationUnknown, RevisionStale, ClaimTaken, and what the decision refuses.
        """
        for _ in range(3):
            customer, _version = await self._commands.states.load(customer_id)
            known = customer.conversations.get(conversation_id)
            agent_id = known.agent_id if known else None  # whether it is really unknown is decided with the rest
            others = [other for other in other_agent_ids if other != agent_id]
            streams = [customer_id, *([agent_id] if agent_id else []), *others]

            def decided(now: Customer, *agents: Any, agent_id: str | None = agent_id) -> list[list[Event]]:
                one = now.conversation(conversation_id)
                if one.agent_id != agent_id:
                    raise _AgentMoved
                demand_revision(command, one.revision)
                holder, others = (agents[0], agents[1:]) if agent_id else (None, agents)
                of_customer, of_holder, *of_others = decide(one, holder, *others)
                return [of_customer, *([of_holder] if agent_id else []), *of_others]

            try:
                return await self._commands.carry_out(command, streams, decided, claims)
            except _AgentMoved:
                continue
        raise Contended

    async def newest(self, customer_id: str, account_id: str) -> Conversation | None:
        """The customer's newest conversation on an account that has no threads, as this process knows it."""
        customer: Customer
        customer, _ = await self._commands.states.load(customer_id)
        return customer.thread(account_id, "")

    def limits(self, one: Conversation) -> Limits:
        """What its account takes of replies. Raises ChannelTakesNoReplies."""
        account = self.directory.account(one.account_id)
        definition = account.definition if account else None
        limits = self._takes(one.channel, definition.settings if definition else {})
        if limits is None:
            raise ChannelTakesNoReplies(f"replies cannot be sent on {one.channel} yet")
        return limits

    async def media_claims(
        self, customer_id: str, conversation_id: str, attachments: Sequence[Attachment]
    ) -> list[Claim]:
        """Those by which files are downloaded, as far as nobody took them: they came to light before, then."""
        keys, digests = self._commands.claim_keys, dict.fromkeys(map(digest_of, attachments))
        claims = [keys.media(customer_id, digest) for digest in digests]
        claims += [keys.media_in(conversation_id, digest) for digest in digests]
        taken = await self._commands.log.claimed([one.key for one in claims]) if claims else {}
        return [one for one in claims if one.key not in taken]

    def moved(
        self,
        command: Command,
        one: Conversation,
        queue_id: str,
        to_agent_id: str | None,
        reason: str,
        skills: Mapping[str, int] | None = None,
    ) -> list[Event]:
        """Out of where it is and into the queue, keeping its age; `skills` are asked for beyond those of the queue."""
        events = offers.withdraw_offer(one, reason="transferred")
        withdrawn = after(one, events)
        events += assignment.transfer(withdrawn, to_queue_id=queue_id, to_agent_id=to_agent_id, reason=reason)
        return [*events, *self.enqueue(command, after(one, events), queue_id, skills)]

    def enqueue(
        self, command: Command, one: Conversation, queue_id: str, skills: Mapping[str, int] | None = None
    ) -> list[Event]:
        """As new work enters the queue, but with the age, due time and priority that it has already."""
        intake = self.directory.intake(queue_id)
        due_at = one.due_at or intake.due_at(one, command.at)
        priority = max(intake.priority, one.priority)
        return assignment.enqueue(
            one, queue_id=queue_id, at=command.at, due_at=due_at, priority=priority, skills=skills
        )

    def facts(self) -> Facts:
        """The policy and the queues as the router reads them, so that people's choices go by the same rules."""
        return Facts(policy=self.directory.policy, queues=self.directory.queues)

    def ask(self, one: Conversation) -> Ask:
        """What it asks of an agent's capacity, as its queue and the policy have it."""
        known = self.directory.queues.get(one.queue_id or "", queue.NEW).definition
        return self.directory.policy.rules.ask(one.channel, known.units.get(one.channel) if known else None)

    def offer_ends_at(self, one: Conversation, at: datetime) -> datetime:
        """How long the offer stands that a person makes at that moment."""
        known = self.directory.queues.get(one.queue_id or "", queue.NEW).definition
        seconds = known.offer_timeout_seconds if known else None
        return at + timedelta(seconds=seconds or self.directory.policy.rules.offer_timeout_seconds)

    def open_queue(self, queue_id: str) -> str:
        """For work that somebody sends there: what was there before may come back to a retired queue.

        Raises QueueUnknown, QueueRetiredAlready.
        """
        queue.demand_open(self.directory.queues.get(queue_id, queue.NEW))
        return queue_id

    def queue_of(self, one: Conversation) -> str:
        """The queue of the conversation's account. Raises QueueUnknown."""
        account = self.directory.account(one.account_id)
        if account is None or account.definition is None:
            raise queue.QueueUnknown
        return account.definition.queue_id


def after(one: Conversation, events: Sequence[Event]) -> Conversation:
    """The conversation after these decisions about it."""
    for event in events:
        one = evolve_conversation(one, event)
    return one


def as_waiting(one: Conversation, customer_id: str) -> Waiting:
    """The conversation as the router knows one that waits. Raises NotWaiting."""
    if one.status is Status.OFFERED:
        raise NotWaiting("the conversation is offered to somebody at the moment")
    waiting = waiting_from(one, customer_id) if one.status is Status.WAITING else None
    if waiting is None:
        raise NotWaiting
    return waiting


def let_go(holder: Agent | None, one: Conversation, reason: str) -> list[Event]:
    """Work that was only offered leaves no trace in who is longest idle, so it is let go as withdrawn."""
    return released(holder, one, "withdrawn" if one.status is Status.OFFERED else reason)


def released(holder: Agent | None, one: Conversation, reason: str) -> list[Event]:
    """What the agent has less to do."""
    return [] if holder is None else workload.release_load(holder, conversation_id=one.id, reason=reason)
