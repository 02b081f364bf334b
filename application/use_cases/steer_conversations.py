"""Steer conversations: where one waits, who is to have it, how it is labelled."""

from datetime import timedelta

from application.commands import Command, Done
from application.ids import new_id
from application.use_cases.conversation_desk import Decided, Desk, after, let_go
from domain import agent, conversation, offers, workload
from domain.agent import Agent
from domain.conversation import Conversation
from domain.event import Event


class SteerConversations:
    """Each method carries out one command on one conversation. Safe to repeat with the same claim."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def enqueue(self, command: Command, customer_id: str, conversation_id: str, queue_id: str | None) -> Done:
        """Puts a conversation that nobody works on, such as a logged call, into a queue.

        Raises AlreadyWaiting, ConversationIsClosed, QueueUnknown, QueueRetiredAlready.
        """
        desk = self._desk
        return await desk.change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (
                desk.enqueue(command, one, desk.open_queue(queue_id or desk.queue_of(one))),
                [],
            ),
        )

    async def transfer_to_queue(
        self, command: Command, customer_id: str, conversation_id: str, queue_id: str, reason: str
    ) -> Done:
        """It waits there, with its age. Raises ConversationIsClosed, QueueUnknown, QueueRetiredAlready."""

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = self._desk.moved(command, one, self._desk.open_queue(queue_id), None, reason)
            return events, let_go(holder, one, "transferred")

        return await self._desk.change(command, customer_id, conversation_id, decide)

    async def transfer_to_agent(
        self, command: Command, customer_id: str, conversation_id: str, to_agent_id: str, reason: str
    ) -> Done:
        """Offers it to that agent at once; if they decline, it waits in its queue with its age.

        Nothing where they have it already, held or offered. Raises ConversationIsClosed, AgentUnknown, NotAvailable,
        AtCapacity.
        """
        rules = self._desk.directory.policy.rules
        offer_id = new_id("offer")

        def decide(one: Conversation, holder: Agent | None, *others: Agent) -> tuple[list[Event], ...]:
            if not others:
                return [], []
            (receiver,) = others
            agent.demand_registered(receiver)
            events = self._desk.moved(command, one, one.queue_id or self._desk.queue_of(one), to_agent_id, reason)
            ask = self._desk.ask(one)
            expires_at = command.at + timedelta(seconds=rules.offer_timeout_seconds)
            events += offers.offer(
                after(one, events),
                offer_id=offer_id,
                agent_id=to_agent_id,
                units=ask.units,
                expires_at=expires_at,
                by="transferred",
            )
            load = workload.take_load(receiver, conversation_id=one.id, customer_id=customer_id, ask=ask)
            return events, let_go(holder, one, "transferred"), load

        return await self._desk.change(command, customer_id, conversation_id, decide, to_agent_id)

    async def return_to_queue(self, command: Command, customer_id: str, conversation_id: str, reason: str) -> Done:
        """Back to the queue it came from, with its age. Raises ConversationIsClosed."""

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = self._desk.moved(command, one, one.queue_id or self._desk.queue_of(one), None, reason)
            return events, let_go(holder, one, "transferred")

        return await self._desk.change(command, customer_id, conversation_id, decide)

    async def tag(self, command: Command, customer_id: str, conversation_id: str, tag: str) -> Done:
        """Raises TooManyTags."""
        return await self._desk.change(
            command, customer_id, conversation_id, lambda one, _: (conversation.tag(one, tag), [])
        )

    async def untag(self, command: Command, customer_id: str, conversation_id: str, tag: str) -> Done:
        """Undoes `tag`."""
        return await self._desk.change(
            command, customer_id, conversation_id, lambda one, _: (conversation.untag(one, tag), [])
        )

    async def set_priority(self, command: Command, customer_id: str, conversation_id: str, priority: int) -> Done:
        """Raises PriorityOutOfRange, ConversationIsClosed."""
        return await self._desk.change(
            command, customer_id, conversation_id, lambda one, _: (conversation.set_priority(one, priority), [])
        )
