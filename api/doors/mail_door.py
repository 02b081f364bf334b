"""The mail door: raw mail as a mail server delivers it, whatever is in it."""

from api.access.permissions import Action, demand_account
from api.doors.adapters.adapter_door import Taken, headers_of, taken
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.operation import command
from api.http.refusals import Invalid

RECIPIENT_HEADER = b"onethread-envelope-recipient"
RECIPIENT_CHARACTERS_MAX = 320
EXAMPLE = "From: Ana <ana@example.org>\r\nTo: shop@example.com\r\nMessage-ID: <1@example.org>\r\n\r\nHello"


@command(
    "/v1/accounts/{account_id}/mail",
    Action.BRING_MESSAGES,
    takes=bytes,
    gives=Taken,
    status=201,
    key="optional",
    media_type="message/rfc822",
    is_large=True,
    example=EXAMPLE,
)
async def bring_mail(asked: Asked[bytes]) -> Answer:
    """Bring a mail in, as raw MIME.

    Any bytes that a mail server may deliver are taken. The header `Onethread-Envelope-Recipient` may say whom it was
    delivered to. The same Message-ID with the same author, date and content is the same mail and gets the same answer;
    with others it is another mail.
    Its attachments are kept first: 503 where they cannot be, then bring it again.
    """
    account_id, parts = asked.ids["account_id"], asked.parts
    demand_account(asked.person, account_id)
    if not asked.raw.strip():
        raise Invalid("$", "the body is empty; this takes a raw mail")
    recipient = asked.header(RECIPIENT_HEADER) or ""
    if len(recipient) > RECIPIENT_CHARACTERS_MAX:
        raise Invalid("header.Onethread-Envelope-Recipient", "too long", RECIPIENT_CHARACTERS_MAX)
    done = await parts.take_mail.take(asked.raw, asked.command, recipient=recipient, account_id=account_id)
    (receipt,) = done.receipts
    return json_answer(taken(receipt), 201, headers_of((receipt,), receipt.position))


OPERATIONS = (bring_mail,)
