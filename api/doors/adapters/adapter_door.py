"""The adapter door over HTTP: messages that other systems bring in, one at a time."""

from collections.abc import Sequence

import msgspec

from api.access.permissions import Action, demand_account
from api.doors.adapters.reading import message_of
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.operation import command
from application.use_cases.receive_messages import Receipt
from channels.adapter import AdapterMessage

EXAMPLE = {
    "account": "account-0193a7c2d4e57f0aa1b2c3d4e5f60718",
    "message_id": "m-1",
    "handle": "ana",
    "author": "Ana",
    "text": "Where is my parcel?",
    "occurred_at": "2026-11-11T00:00:01Z",
}


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a message stands in the log. The same for each time the message comes."""

    position: int
    customer_id: str
    conversation_id: str
    """Empty where what was said has been erased."""
    message_id: str
    is_contradiction: bool = False
    """The id was known with other content. Both are kept and people are told."""


def taken(receipt: Receipt) -> Taken:
    """The receipt as the caller sees it."""
    return Taken(
        position=receipt.position,
        customer_id=receipt.customer_id,
        conversation_id=receipt.conversation_id,
        message_id=receipt.message_id,
        is_contradiction=receipt.is_contradiction,
    )


def headers_of(receipts: Sequence[Receipt], position: int) -> list[tuple[str, str]]:
    """The position, and whether all of it had come before."""
    headers = [("onethread-position", str(position))]
    if all(receipt.is_repeat for receipt in receipts):
        headers.append(("idempotent-replayed", "true"))
    return headers


@command(
    "/v1/accounts/{account_id}/messages",
    Action.BRING_MESSAGES,
    takes=AdapterMessage,
    gives=Taken,
    status=201,
    key="optional",
    example=EXAMPLE,
)
async def bring_message(asked: Asked[AdapterMessage]) -> Answer:
    """Bring a customer's message in.

    Answered once it is durable. The same `message_id` again is the same message and gets the same answer, so no
    Idempotency-Key is needed; the same id with other content is kept too, and marked.
    """
    account_id = asked.ids["account_id"]
    demand_account(asked.person, account_id)
    message = message_of(asked.given, account_id, received_at=asked.at)
    receipt = await asked.parts.receive_together.receive(account_id, message, asked.command)
    asked.edge.count_received("adapter")
    return json_answer(taken(receipt), 201, headers_of((receipt,), receipt.position))


OPERATIONS = (bring_message,)
