"""What a person decides about where a mail belongs: in a conversation of its own, or in another of the customer's."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.conversation import Conversation, ConversationOpened, Status, demand_open, opened
from domain.customer import Customer, demand_room
from domain.event import Event, RuleBroken
from domain.intake import Intake, enqueue
from domain.parts import evolve_conversation
from domain.threads.mails import Mail, close_empty, mails_in, move


class MailNotHere(RuleBroken):
    """There is no such mail in this conversation, or it came too long ago to be moved."""


class OnlyMail(RuleBroken):
    """It is the only mail of its conversation, so there is nothing to take it out of."""


class AnotherMailbox(RuleBroken):
    """A mail can only join a conversation of the mailbox that it came to: answers would leave from elsewhere."""


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What the mail itself says."""

    subject: str = ""
    preview: str = ""


def find(customer: Customer, conversation_id: str, message_id: str) -> Mail:
    """The customer's mail in that conversation. Raises MailNotHere."""
    here = mails_in(customer.mails, conversation_id)
    if (found := next((one for one in here if one.message_id == message_id), None)) is None:
        raise MailNotHere
    return found


def set_apart(
    customer: Customer, mail: Mail, wording: Wording, *, intake: Intake, new_conversation_id: str, at: datetime
) -> list[Event]:
    """Takes a mail out, into a conversation of its own, which waits for an agent. What answers it later follows it.

    Raises OnlyMail, TooManyConversations.
    """
    left = customer.conversation(mail.conversation_id)
    if len(mails_in(customer.mails, left.id)) < 2:
        raise OnlyMail
    demand_room(customer)
    opening = ConversationOpened(
        conversation_id=new_conversation_id,
        channel=left.channel,
        account_id=left.account_id,
        thread=mail.provider_id,
        subject=wording.subject,
        customer_name=customer.name,
    )
    mail = replace(mail, is_participant=False)  # a conversation of its own is with whoever wrote it
    return [opening, *_moved(customer, mail, opened(opening), wording, intake, at)]


def join(customer: Customer, mail: Mail, to_id: str, wording: Wording, *, intake: Intake, at: datetime) -> list[Event]:
    """Puts a mail into another conversation, which waits for an agent if nobody has it. What answers it follows it.

    Nothing where it is there already. Raises ConversationUnknown, ConversationIsClosed, AnotherMailbox.
    """
    into = customer.conversation(to_id)
    if into.id == mail.conversation_id:
        return []
    demand_open(into)
    if (into.channel, into.account_id) != ("email", mail.account_id):
        raise AnotherMailbox
    return _moved(customer, mail, into, wording, intake, at)


def _moved(
    customer: Customer, mail: Mail, into: Conversation, wording: Wording, intake: Intake, at: datetime
) -> list[Event]:
    left, text = customer.conversation(mail.conversation_id), wording.preview
    staying = [one for one in mails_in(customer.mails, left.id) if one.message_id != mail.message_id]
    events = move(
        mail, left, staying, to_conversation_id=into.id, to_agent_id=into.holder, is_by_hand=True, preview=text
    )
    for event in events[1:]:
        into = evolve_conversation(into, event)
    queued = enqueue(into, intake, at) if into.status is Status.OPEN else []
    return [*events, *queued, *close_empty(left, staying)]
