"""What a visitor of a chat has seen of the replies to them, and what goes to them by mail because they have not."""

from collections.abc import Collection

from domain.conversation import Conversation
from domain.customer import Customer
from domain.event import Event
from domain.interaction import Attachment, ReplyHandedOver
from domain.outbound.delivery import DeliveryReported, DeliveryStatus
from domain.outbound.receipts import Fate, Outbound, is_further


def see(customer: Customer, message_ids: Collection[str]) -> list[Event]:
    """The visitor's page was told these replies. What it was told before is no news."""
    sent = (customer.outbound.get(one) for one in message_ids)
    return [
        DeliveryReported(
            conversation_id=one.conversation_id,
            message_id=one.message_id,
            status=DeliveryStatus.DELIVERED,
            agent_id=one.agent_id,
        )
        for one in sent
        if one is not None and is_further(Fate.DELIVERED, one.fate)
    ]


def unseen(customer: Customer, conversation: Conversation) -> list[Outbound]:
    """Replies on the chat that its visitor was neither shown nor sent by mail, since they wrote last, oldest first."""
    return [
        one
        for one in customer.outbound.values()
        if (one.conversation_id, one.account_id) == (conversation.id, conversation.account_id)
        and one.fate is Fate.WRITTEN
        and not one.is_past
    ]


def mail_address(customer: Customer, conversation: Conversation) -> str:
    """Where the visitor may be written to: what they said last or proved; empty where they left none."""
    address = customer.mail_addresses.get(f"{conversation.account_id} {conversation.handle}", "")
    return address if "@" in address else ""


def languages(customer: Customer, conversation: Conversation) -> tuple[str, str, str]:
    """In which the visitor may be written to, the likeliest first: of the talk, of their page, of earlier talks."""
    page = customer.page_languages.get(f"{conversation.account_id} {conversation.handle}", "")
    return conversation.language, page, customer.language


def hand_over(
    customer: Customer,
    conversation: Conversation,
    replies: Collection[str],
    *,
    message_id: str,
    mailbox_id: str,
    subject: str,
    text: str,
    attachments: tuple[Attachment, ...] = (),
) -> list[Event]:
    """The replies go by mail. Nothing where they are not what the visitor has not seen, or there is no address."""
    missed, address = unseen(customer, conversation), mail_address(customer, conversation)
    if not missed or not address or {one.message_id for one in missed} != set(replies):
        return []
    return [
        ReplyHandedOver(
            conversation_id=conversation.id,
            message_id=message_id,
            channel="email",
            account_id=mailbox_id,
            handle=address,
            text=text,
            agent_id=missed[-1].agent_id or "",
            subject=subject,
            in_reply_to=conversation.latest_provider_id if conversation.is_away else "",
            attachments=attachments,
            replies=tuple(one.message_id for one in missed),
        )
    ]
