"""Serve conversations: what agents do with one, from accepting an offer to closing it."""

from datetime import timedelta

from msgspec.structs import replace

from application.commands import ATTEMPTS_MAX, ClaimTaken, Command, Contended, Done
from application.exchange.limits import Limits
from application.ids import derived_id, new_id
from application.use_cases.conversation_desk import Decided, Desk, after, let_go, released
from domain import assignment, conversation, offers, workload
from domain.agent import Agent
from domain.card_numbers import mask
from domain.conversation import Conversation
from domain.interaction import Attachment
from domain.outbound import delivery
from domain.outbound.files import demand_files
from domain.outbound.templates import Template, demand_template
from domain.outbound.writing import write_note, write_reply


class ServeConversations:
    """Each method carries out one command on one conversation. Safe to repeat with the same claim."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def takes(self, one: Conversation) -> Limits:
        """What a reply in the conversation may be. Raises ChannelTakesNoReplies."""
        return self._desk.limits(one)

    async def accept_offer(
        self, command: Command, customer_id: str, conversation_id: str, offer_id: str, agent_id: str
    ) -> Done:
        """Raises OfferGone, OfferNotYours."""
        return await self._desk.change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (offers.accept_offer(one, offer_id=offer_id, agent_id=agent_id), []),
        )

    async def decline_offer(
        self, command: Command, customer_id: str, conversation_id: str, offer_id: str, agent_id: str, reason: str
    ) -> Done:
        """It waits again, with its age. Raises OfferGone, OfferNotYours, ReasonMissing."""
        return await self._desk.change(
            command,
            customer_id,
            conversation_id,
            lambda one, holder: (
                offers.decline_offer(one, offer_id=offer_id, agent_id=agent_id, reason=reason),
                released(holder, one, "declined"),
            ),
        )

    async def reply(
        self,
        command: Command,
        customer_id: str,
        conversation_id: str,
        agent_id: str,
        text: str,
        attachments: tuple[Attachment, ...] = (),
        template: Template | None = None,
    ) -> tuple[Done, str]:
        """The reply is stored and on its way; how it fares shows in the timeline. Returns its message id too.

        Files are kept by then (`attach_files.py`). Raises ConversationIsClosed, NotTheHolder, NothingToSay,
        ChannelTakesNoReplies, CustomerUnreachable, ReplyWindowClosed, ReplyTooLong, FileNotTaken,
        ChannelTakesNoTemplates, TemplateStandsAlone, TemplateNotFilled.
        """
        if template is not None:
            parameters = tuple(map(mask, template.parameters))
            header, words = mask(template.header), mask(template.words)
            template = replace(template, parameters=parameters, header=header, words=words)
        message_id = derived_id("message", command.claim.key) if command.claim else new_id("message")

        def decide(one: Conversation, _: Agent | None) -> Decided:
            limits = self._desk.limits(one)
            events = write_reply(
                one,
                message_id=message_id,
                text=mask(text),
                agent_id=agent_id,
                attachments=attachments,
                template=template,
            )
            if template is not None:
                demand_template(one.channel, template, text, len(attachments), is_taken=limits.takes_templates)
            window = None if template else limits.window
            delivery.demand_sendable(one, text, window=window, length_max=limits.text_length_max, at=command.at)
            demand_files(one.channel, limits.files, attachments, text)
            return events, []

        for _ in range(ATTEMPTS_MAX):
            claims = await self._desk.media_claims(customer_id, conversation_id, attachments)
            try:
                done = await self._desk.change(command, customer_id, conversation_id, decide, claims=claims)
            except ClaimTaken:  # the same file went out in another reply meanwhile
                continue
            return done, message_id
        raise Contended

    async def note(self, command: Command, customer_id: str, conversation_id: str, text: str) -> tuple[Done, str]:
        """Returns the note's id too. Raises NothingToSay."""
        note_id = derived_id("note", command.claim.key) if command.claim else new_id("note")
        done = await self._desk.change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (write_note(one, note_id=note_id, text=mask(text)), []),
        )
        return done, note_id

    async def hold(self, command: Command, customer_id: str, conversation_id: str, agent_id: str, reason: str) -> Done:
        """Frees the agent's capacity meanwhile. Raises NotTheHolder."""

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = assignment.hold(one, agent_id=agent_id, reason=reason)
            return events, released(holder, one, "held") if events else []

        return await self._desk.change(command, customer_id, conversation_id, decide)

    async def resume(self, command: Command, customer_id: str, conversation_id: str, agent_id: str) -> Done:
        """Takes the capacity again. Raises NotTheHolder, NotOnHold, AtCapacity."""

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = assignment.resume(one, agent_id=agent_id)
            assert holder is not None  # `resume` has refused a conversation that nobody holds
            ask = self._desk.directory.policy.rules.ask(one.channel, one.units)
            load = workload.resume_load(holder, conversation_id=one.id, customer_id=customer_id, ask=ask)
            return events, load

        return await self._desk.change(command, customer_id, conversation_id, decide)

    async def wrap_up(self, command: Command, customer_id: str, conversation_id: str, agent_id: str) -> Done:
        """The talk is over, the work after it goes on. Raises NotTheHolder, ConversationIsClosed."""
        return await self._desk.change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (assignment.start_wrap_up(one, agent_id=agent_id), []),
        )

    async def close(self, command: Command, customer_id: str, conversation_id: str, disposition: str) -> Done:
        """Frees the agent's capacity; `reopen` undoes it. Closing twice is not news."""
        until = command.at + timedelta(seconds=self._desk.directory.policy.rules.reopen_within_seconds)

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            events = offers.withdraw_offer(one, reason="closed")
            withdrawn = after(one, events)
            events += conversation.close(withdrawn, disposition=disposition, reopenable_until=until)
            return events, let_go(holder, one, "closed")

        return await self._desk.change(command, customer_id, conversation_id, decide)

    async def reopen(self, command: Command, customer_id: str, conversation_id: str) -> Done:
        """It goes to its queue again. Raises ConversationStillOpen, ReopenPeriodOver."""

        def decide(one: Conversation, _: Agent | None) -> Decided:
            events = conversation.reopen(one, at=command.at)
            reopened = after(one, events)
            return [*events, *self._desk.enqueue(command, reopened, one.queue_id or self._desk.queue_of(one))], []

        return await self._desk.change(command, customer_id, conversation_id, decide)
