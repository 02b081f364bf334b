"""What the shop's side wrote to a customer, as the channel tells: elsewhere, or through us, which is no news."""

from datetime import datetime

from domain.conversation import Standing
from domain.customer import Customer
from domain.event import Event
from domain.intake import Echo, conversation_for, meet
from domain.interaction import MessageContradicted, ReplyEchoed
from domain.outbound import receipts
from domain.outbound.receipts import Outbound


def own(customer: Customer, echo: Echo, *, account_id: str, at: datetime) -> Outbound | None:
    """Which of our own messages the echo is of: the one that it names, else one of the same words whose arrival is
    not known, and was attempted so lately that the channel may still tell.
    """
    if echo.content.is_amending:
        return None
    named = receipts.find(
        customer.outbound, account_id=account_id, provider_id=echo.provider_id, message_id=echo.callback
    )
    if named is not None or echo.callback or not echo.content.text:
        return named
    wording, people = receipts.wording_of(echo.content.text), (echo.handle, *echo.other_handles)
    return next(
        (
            one
            for one in customer.outbound.values()
            if (one.account_id, one.wording) == (account_id, wording)
            and one.handle in people
            and _is_awaited(customer, one, echo.thread, at)
        ),
        None,
    )


def _is_awaited(customer: Customer, one: Outbound, thread: str, at: datetime) -> bool:
    """Whether it was handed over in that thread, and nobody knows yet whether the channel has it."""
    conversation = customer.conversations.get(one.conversation_id)
    reply = conversation.replies.get(one.message_id) if conversation else None
    if conversation is None or reply is None or conversation.thread != thread:
        return False
    if reply.standing is Standing.UNKNOWN:
        return reply.until is None or at <= reply.until
    return reply.standing is Standing.ATTEMPTED


def receive_echo(
    customer: Customer,
    echo: Echo,
    *,
    channel: str,
    account_id: str,
    scope: str,
    message_id: str,
    new_conversation_id: str,
    at: datetime,
) -> list[Event]:
    """An echo of our own proves that the channel has the message; any other is what somebody wrote elsewhere.

    The latter joins the thread's newest conversation as it stands, closed or not. For a customer who has none, one is
    opened that waits for nobody until they write. `scope` is as of `receive_message`. Raises TooManyConversations.
    """
    if (ours := own(customer, echo, account_id=account_id, at=at)) is not None:
        return receipts.prove_taken(ours, echo.provider_id, "it came back as an echo")
    events = meet(
        customer, channel=channel, account_id=scope, handle=echo.handle, name="", other_handles=echo.other_handles
    )
    current, start = conversation_for(
        customer,
        channel=channel,
        account_id=account_id,
        thread=echo.thread,
        subject="",
        name="",
        new_id=new_conversation_id,
        at=at,
        is_work=False,
    )
    echoed = ReplyEchoed(
        conversation_id=current.id,
        message_id=message_id,
        provider_id=echo.provider_id,
        channel=channel,
        account_id=account_id,
        handle=echo.handle,
        content=echo.content,
    )
    return [*events, *start, echoed]


def contradict_echo(echo: Echo, *, original: ReplyEchoed, original_position: int) -> list[Event]:
    """The same id came with other content."""
    return [
        MessageContradicted(
            conversation_id=original.conversation_id,
            message_id=original.message_id,
            provider_id=original.provider_id,
            content=echo.content,
            original_position=original_position,
        )
    ]
