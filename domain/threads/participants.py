"""Somebody else in a conversation: who was given mail of ours, and writes from an address that is not the customer's.

Our reply tokens and Message-IDs stand in the mail that the customer got. Who has one was given that mail: it was
forwarded to them, they were in copy, or they are the customer at another address. That brings their words here; who
they are it does not prove, so nothing that is known of the customer changes by it.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from domain.customer import Customer
from domain.event import Event
from domain.intake import InboundMessage, Intake, receive_message
from domain.interaction import MessageReceived
from domain.threads.mails import PROVEN, Mail, close_empty, leave, mails_in
from domain.threads.placing import receive_mail, taken_out

NO_PARTICIPANTS = frozenset({"own", "bounce", "complaint"})
"""What such a mail is, as of `MessageReceived.nature`: our own that came back, or a server's report about ours."""
BY_HAND = "by_hand"
"""Rule: a person gave the mail back to whoever wrote it."""


def takes_part(customer: Customer, message: InboundMessage, *, account_id: str, at: datetime) -> bool:
    """Whether it joins this customer's conversation, from an address that is not theirs.

    It has to prove the conversation, which has to be one of this mailbox that goes on or can be reopened. Not where our
    mail server found that the From is not who sent it: it would put words into somebody's mouth. Not either from whom a
    person has taken out of this conversation before.
    """
    one = customer.conversations.get(message.conversation_id)
    if one is None or message.joined_by not in PROVEN or (one.channel, one.account_id) != ("email", account_id):
        return False
    known = {handle for channel, _, handle in customer.handles if channel == "email"}
    if not known.isdisjoint((message.handle, *message.other_handles)):
        return False
    if message.dmarc == "fail" or message.nature in NO_PARTICIPANTS or (one.is_closed and not one.is_reopenable(at)):
        return False
    given_back = (mail for mail in customer.mails.values() if not mail.conversation_id and mail.moved_from == one.id)
    return all(mail.handle != (message.reply_to or message.handle) for mail in given_back)


def receive_participant(
    customer: Customer, message: InboundMessage, *, account_id: str, intake: Intake, message_id: str, at: datetime
) -> list[Event]:
    """Their words join, the conversation waits for an agent if nobody has it, and all else stays as it was.

    To be asked only of a mail that `takes_part`.
    """
    followed = taken_out(message.conversation_id, message.answers, customer.mails.values())
    there = (customer.conversations[one] for one, _ in followed if one in customer.conversations)
    joined = next((one.id for one in there if not one.is_closed or one.is_reopenable(at)), message.conversation_id)
    events = receive_message(
        customer,
        replace(message, conversation_id=joined, language=""),
        channel="email",
        account_id=account_id,
        scope=None,
        intake=intake,
        message_id=message_id,
        new_conversation_id="",  # it opens none
        at=at,
    )
    return [replace(one, is_participant=True) if isinstance(one, MessageReceived) else one for one in events]


def give_back(
    customer: Customer,
    mail: Mail,
    received: MessageReceived,
    sender: Customer,
    *,
    sender_id: str,
    intake: Intake,
    new_conversation_id: str,
    at: datetime,
) -> tuple[list[Event], list[Event]]:
    """What a person undoes: the mail goes to whoever sent it, as if it had come without any proof, or not sent on.

    Events of the customer's stream, and of the sender's. What a participant writes into this conversation later is
    theirs too. To be asked only of a mail that has a `sender_of` its own. Raises TooManyConversations.
    """
    message = _as_it_came(received, mail.said_at or at)
    theirs = receive_mail(
        sender,
        message,
        account_id=mail.account_id,
        intake=intake,
        message_id=mail.message_id,
        new_conversation_id=new_conversation_id,
        at=at,
    )
    into = next(one.conversation_id for one in theirs if isinstance(one, MessageReceived))
    left = customer.conversation(mail.conversation_id)
    staying: Sequence[Mail] = [one for one in mails_in(customer.mails, left.id) if one is not mail]
    leaving = leave(mail, left, staying, to_conversation_id=into, is_by_hand=True, to_customer_id=sender_id)
    return [leaving, *([] if mail.is_participant else close_empty(left, staying))], theirs


def sender_of(received: MessageReceived) -> str:
    """Who sent it, where that is not the customer: a participant, or a colleague who sent the customer's mail on."""
    if received.is_participant:
        return received.handle
    return received.claimed if received.content.is_forwarded else ""


def _as_it_came(received: MessageReceived, at: datetime) -> InboundMessage:
    is_forward = received.content.is_forwarded and not received.is_participant
    return InboundMessage(
        provider_id=received.provider_id,
        handle=sender_of(received),
        content=received.content,
        occurred_at=at,
        author="" if is_forward else received.author,
        thread=received.provider_id,
        subject=received.subject,
        joined_by=BY_HAND,
        answers=received.answers,
        nature=received.nature,
        reply_to=received.reply_to,
        claimed="" if is_forward else received.claimed,
        dmarc=received.dmarc,
    )
