"""Whenever a conversation overflows with a promise that has words, tell them to the customer on their own channel."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from typing_extensions import override

from application.commands import ClaimTaken, Commands
from application.exchange.limits import Limits
from application.ids import derived_id
from application.policies.whenever import Whenever
from application.positions import Positions
from domain import classification
from domain.classification import ConversationOverflowed
from domain.customer import Customer
from domain.event import Event, Recorded, RuleBroken
from domain.interaction import ChannelTakesNoReplies
from domain.outbound import delivery
from domain.threads.mails import key_of, mails_in

logger = logging.getLogger(__name__)


class TellPromises(Whenever):
    """Looks at how the conversation stands now, not at what woke it. What an overflow has to say is told once: the
    claim is the overflow's, whoever gets to it, and however often.
    """

    name = "tell_promises"
    topics = frozenset({ConversationOverflowed.TOPIC})

    def __init__(
        self,
        commands: Commands,
        reply_channels: Mapping[str, Limits],
        positions: Positions,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(positions, clock)
        self._commands = commands
        self._reply_channels = reply_channels

    @override
    async def react(self, recorded: Recorded) -> None:
        overflowed = recorded.event
        if not isinstance(overflowed, ConversationOverflowed) or not overflowed.words:
            return
        claim = self._commands.claim_keys.once("promise told", str(recorded.position))
        command = self._because_of(recorded)

        def decide(customer: Customer) -> list[list[Event]]:
            message_id = derived_id("message", claim.key)
            return [self._told(customer, overflowed, message_id, command.at)]

        try:
            await self._commands.carry_out(command, [recorded.stream], decide, [claim])
        except ClaimTaken:  # told before
            self._commands.states.forget(recorded.stream)
        except RuleBroken as refusal:
            logger.info("a promise is not told (%s): %s", overflowed.conversation_id, refusal)

    def _told(
        self, customer: Customer, overflowed: ConversationOverflowed, message_id: str, at: datetime
    ) -> list[Event]:
        """Nothing to a machine, nor after one joined, which might answer (RFC 3834).

        Raises ConversationUnknown, ChannelTakesNoReplies, ReplyWindowClosed, ReplyTooLong.
        """
        one = customer.conversation(overflowed.conversation_id)
        answered = customer.mails.get(key_of(one.account_id, one.latest_provider_id))
        if any(mail is not None and mail.nature for mail in (answered, *mails_in(customer.mails, one.id)[-1:])):
            return []
        told = classification.tell_promise(one, overflowed, message_id=message_id, at=at)
        if told:
            if (limits := self._reply_channels.get(one.channel)) is None or not one.handle:
                raise ChannelTakesNoReplies(f"replies cannot be sent on {one.channel} here")
            words = overflowed.words
            delivery.demand_sendable(one, words, window=limits.window, length_max=limits.text_length_max, at=at)
        return told
