"""The mail door: raw mail as a mail server delivers it, whatever is in it."""

from api.access.permissions import Action, demand_account
from api.doors.adapter_door import Taken, headers_of, taken
from api.doors.place_mail import placed
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.operation import command
from api.http.refusals import Invalid
from api.parts import Parts
from channels import email
from domain.account import AccountUnknown

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
    delivered to. The same Message-ID with the same content is the same mail and gets the same answer.
    """
    account_id, parts = asked.ids["account_id"], asked.parts
    demand_account(asked.person, account_id)
    account = parts.directory.account(account_id)
    if account is None or account.definition is None or account.definition.channel != "email":
        raise AccountUnknown(f"there is no mailbox {account_id}")
    if not asked.raw.strip():
        raise Invalid("$", "the body is empty; this takes a raw mail")
    recipient = asked.header(RECIPIENT_HEADER) or ""
    if len(recipient) > RECIPIENT_CHARACTERS_MAX:
        raise Invalid("header.Onethread-Envelope-Recipient", "too long", RECIPIENT_CHARACTERS_MAX)
    settings = email.read_settings(account.definition)
    mail = email.parse(
        asked.raw,
        received_at=asked.at,
        token_keys=settings.token_keys,
        authserv_id=settings.authserv_id,
        own_addresses=_mailboxes(parts),
        envelope_recipient=recipient,
    )
    mail = await placed(parts, account_id, mail)
    (receipt,) = await parts.receive.receive(account_id, (mail.message,), asked.command)
    asked.edge.count_received("email")
    return json_answer(taken(receipt), 201, headers_of((receipt,), receipt.position))


def _mailboxes(parts: Parts) -> list[str]:
    definitions = [account.definition for account in parts.directory.accounts.values()]
    return [one.address for one in definitions if one is not None and one.channel == "email"]


OPERATIONS = (bring_mail,)
