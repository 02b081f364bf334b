"""Serve conversations: what agents and supervisors do with one, from accepting an offer to closing it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from application.commands import Command, Commands, Contended, Done, demand_revision
from application.directory import Directory
from application.exchange.limits import Limits
from application.ids import derived_id, new_id
from domain import agent, assignment, conversation, delivery, interaction, offers, queue
from domain.agent import Agent
from domain.card_numbers import mask
from domain.conversation import Conversation, Status
from domain.customer import Customer, evolve_conversation
from domain.event import Event
from domain.interaction import ChannelTakesNoReplies

Decided = tuple[list[Event], list[Event]]
"""Events of the customer's stream and of the agent's."""


class _AgentMoved(Exception):
    """The conversation went to another agent between reading and deciding."""


class ServeConversations:
    """Each method carries out one command on one conversation. Safe to repeat with the same claim."""

    def __init__(self, commands: Commands, directory: Directory, reply_channels: Mapping[str, Limits]) -> None:
        self._commands = commands
        self._directory = directory
        self._reply_channels = reply_channels

    async def accept_offer(
        self, command: Command, customer_id: str, conversation_id: str, offer_id: str, agent_id: str
    ) -> Done:
        """Raises OfferGone, OfferNotYours."""
        return await self._change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (offers.accept_offer(one, offer_id=offer_id, agent_id=agent_id), []),
        )

    async def decline_offer(
        self, command: Command, customer_id: str, conversation_id: str, offer_id: str, agent_id: str, reason: str
    ) -> Done:
        """It waits again, with its age. Raises OfferGone, OfferNotYours."""
        return await self._change(
            command,
            customer_id,
            conversation_id,
            lambda one, holder: (
                offers.decline_offer(one, offer_id=offer_id, agent_id=agent_id, reason=reason),
                _released(holder, one, "declined"),
            ),
        )

    async def reply(
        self, command: Command, customer_id: str, conversation_id: str, agent_id: str, text: str
    ) -> tuple[Done, str]:
        """The reply is stored and on its way; how it fares shows in the timeline. Returns its message id too.

        Raises ConversationIsClosed, NotTheHolder, NothingToSay, ChannelTakesNoReplies, ReplyWindowClosed, ReplyTooLong.
        """
        message_id = derived_id("message", command.claim.key) if command.claim else new_id("message")

        def decide(one: Conversation, _: Agent | None) -> Decided:
            if (limits := self._reply_channels.get(one.channel)) is None:
                raise ChannelTakesNoReplies(f"replies cannot be sent on {one.channel} yet")
            events = interaction.write_reply(one, message_id=message_id, text=mask(text), agent_id=agent_id)
            delivery.demand_sendable(one, text, window=limits.window, length_max=limits.text_length_max, at=command.at)
            return events, []

        return await self._change(command, customer_id, conversation_id, decide), message_id

    async def note(self, command: Command, customer_id: str, conversation_id: str, text: str) -> tuple[Done, str]:
        """Returns the note's id too. Raises NothingToSay."""
        note_id = derived_id("note", command.claim.key) if command.claim else new_id("note")
        done = await self._change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (interaction.write_note(one, note_id=note_id, text=mask(text)), []),
        )
        return done, note_id

    async def hold(self, command: Command, customer_id: str, conversation_id: str, agent_id: str, reason: str) -> Done:
        """Frees the agent's capacity meanwhile. Raises NotTheHolder."""

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = assignment.hold(one, agent_id=agent_id, reason=reason)
            return events, _released(holder, one, "held") if events else []

        return await self._change(command, customer_id, conversation_id, decide)

    async def resume(self, command: Command, customer_id: str, conversation_id: str, agent_id: str) -> Done:
        """Takes the capacity again. Raises NotTheHolder, NotOnHold, AtCapacity."""

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = assignment.resume(one, agent_id=agent_id)
            assert holder is not None  # `resume` has refused a conversation that nobody holds
            load = agent.resume_load(holder, conversation_id=one.id, customer_id=customer_id, units=one.units)
            return events, load

        return await self._change(command, customer_id, conversation_id, decide)

    async def wrap_up(self, command: Command, customer_id: str, conversation_id: str, agent_id: str) -> Done:
        """The talk is over, the work after it goes on. Raises NotTheHolder, ConversationIsClosed."""
        return await self._change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (assignment.start_wrap_up(one, agent_id=agent_id), []),
        )

    async def close(self, command: Command, customer_id: str, conversation_id: str, disposition: str) -> Done:
        """Frees the agent's capacity; `reopen` undoes it. Closing twice is not news."""
        until = command.at + timedelta(seconds=self._directory.policy.rules.reopen_within_seconds)

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = offers.withdraw_offer(one, reason="closed")
            withdrawn = _after(one, events)
            events += conversation.close(withdrawn, disposition=disposition, reopenable_until=until)
            return events, _let_go(holder, one, "closed")

        return await self._change(command, customer_id, conversation_id, decide)

    async def reopen(self, command: Command, customer_id: str, conversation_id: str) -> Done:
        """It goes to its queue again. Raises ConversationStillOpen, ReopenPeriodOver."""

        def decide(one: Conversation, _: Agent | None) -> Decided:
            events = conversation.reopen(one, at=command.at)
            reopened = _after(one, events)
            return [*events, *self._enqueue(command, reopened, one.queue_id or self._queue_of(one))], []

        return await self._change(command, customer_id, conversation_id, decide)

    async def enqueue(self, command: Command, customer_id: str, conversation_id: str, queue_id: str | None) -> Done:
        """Puts a conversation that nobody works on, such as a logged call, into a queue.

        Raises AlreadyWaiting, ConversationIsClosed, QueueUnknown, QueueRetiredAlready.
        """
        return await self._change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (self._enqueue(command, one, self._open_queue(queue_id or self._queue_of(one))), []),
        )

    async def transfer_to_queue(
        self, command: Command, customer_id: str, conversation_id: str, queue_id: str, reason: str
    ) -> Done:
        """It waits there, with its age. Raises ConversationIsClosed, QueueUnknown, QueueRetiredAlready."""

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = self._moved(command, one, self._open_queue(queue_id), None, reason)
            return events, _let_go(holder, one, "transferred")

        return await self._change(command, customer_id, conversation_id, decide)

    async def transfer_to_agent(
        self, command: Command, customer_id: str, conversation_id: str, to_agent_id: str, reason: str
    ) -> Done:
        """Offers it to that agent at once; if they decline, it waits in its queue with its age.

        Nothing where they have it already, held or offered. Raises ConversationIsClosed, AgentUnknown, NotAvailable,
        AtCapacity.
        """
        rules = self._directory.policy.rules
        offer_id = new_id("offer")

        def decide(one: Conversation, holder: Agent | None, *others: Agent) -> tuple[list[Event], ...]:
            if not others:
                return [], []
            (receiver,) = others
            agent.demand_registered(receiver)
            events = self._moved(command, one, one.queue_id or self._queue_of(one), to_agent_id, reason)
            units = rules.units_of(one.channel)
            expires_at = command.at + timedelta(seconds=rules.offer_timeout_seconds)
            events += offers.offer(
                _after(one, events), offer_id=offer_id, agent_id=to_agent_id, units=units, expires_at=expires_at
            )
            load = agent.take_load(receiver, conversation_id=one.id, customer_id=customer_id, units=units)
            return events, _let_go(holder, one, "transferred"), load

        return await self._change(command, customer_id, conversation_id, decide, to_agent_id)

    async def return_to_queue(self, command: Command, customer_id: str, conversation_id: str, reason: str) -> Done:
        """Back to the queue it came from, with its age. Raises ConversationIsClosed."""

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = self._moved(command, one, one.queue_id or self._queue_of(one), None, reason)
            return events, _let_go(holder, one, "transferred")

        return await self._change(command, customer_id, conversation_id, decide)

    async def tag(self, command: Command, customer_id: str, conversation_id: str, tag: str) -> Done:
        """Raises TooManyTags."""
        return await self._change(
            command, customer_id, conversation_id, lambda one, _: (conversation.tag(one, tag), [])
        )

    async def untag(self, command: Command, customer_id: str, conversation_id: str, tag: str) -> Done:
        """Undoes `tag`."""
        return await self._change(
            command, customer_id, conversation_id, lambda one, _: (conversation.untag(one, tag), [])
        )

    async def set_priority(self, command: Command, customer_id: str, conversation_id: str, priority: int) -> Done:
        """Raises PriorityOutOfRange, ConversationIsClosed."""
        return await self._change(
            command, customer_id, conversation_id, lambda one, _: (conversation.set_priority(one, priority), [])
        )

    def _moved(
        self, command: Command, one: Conversation, queue_id: str, to_agent_id: str | None, reason: str
    ) -> list[Event]:
        """Out of where it is and into the queue, keeping its age."""
        events = offers.withdraw_offer(one, reason="transferred")
        withdrawn = _after(one, events)
        events += assignment.transfer(withdrawn, to_queue_id=queue_id, to_agent_id=to_agent_id, reason=reason)
        return [*events, *self._enqueue(command, _after(one, events), queue_id)]

    def _enqueue(self, command: Command, one: Conversation, queue_id: str) -> list[Event]:
        """As new work enters the queue, but with the age, due time and priority that it has already."""
        intake = self._directory.intake(queue_id)
        due_at = one.due_at or (command.at + intake.service_level if intake.service_level else None)
        priority = max(intake.priority, one.priority)
        return assignment.enqueue(one, queue_id=queue_id, at=command.at, due_at=due_at, priority=priority)

    def _open_queue(self, queue_id: str) -> str:
        """For work that somebody sends there: what was there before may come back to a retired queue.

        Raises QueueUnknown, QueueRetiredAlready.
        """
        queue.demand_open(self._directory.queues.get(queue_id, queue.NEW))
        return queue_id

    def _queue_of(self, one: Conversation) -> str:
        """The queue of the conversation's account. Raises QueueUnknown."""
        account = self._directory.account(one.account_id)
        if account is None or account.definition is None:
            raise queue.QueueUnknown
        return account.definition.queue_id

    async def _change(
        self,
        command: Command,
        customer_id: str,
        conversation_id: str,
        decide: Callable[..., tuple[list[Event], ...]],
        *other_agent_ids: str,
    ) -> Done:
        """Decides on the conversation, the agent who has it (if any), and those named who are not that agent.

        Raises ConversationUnknown, RevisionStale, and what the decision refuses.
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
                return await self._commands.carry_out(command, streams, decided)
            except _AgentMoved:
                continue
        raise Contended


def _after(one: Conversation, events: Sequence[Event]) -> Conversation:
    """The conversation after these decisions about it."""
    for event in events:
        one = evolve_conversation(one, event)
    return one


def _let_go(holder: Agent | None, one: Conversation, reason: str) -> list[Event]:
    """Work that was only offered leaves no trace in who is longest idle, so it is let go as withdrawn."""
    return _released(holder, one, "withdrawn" if one.status is Status.OFFERED else reason)


def _released(holder: Agent | None, one: Conversation, reason: str) -> list[Event]:
    return [] if holder is None else agent.release_load(holder, conversation_id=one.id, reason=reason)
