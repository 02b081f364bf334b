"""SMS through Twilio: account settings, verify, parse, send, fetch.

Everything comes as a form: messages, and one status callback for each step of what we sent, in any order.
"""

import base64
from urllib.parse import quote

import httpx
import msgspec
import phonenumbers

from application.exchange.media import Fetched, Get
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from channels.edge.numbers import sms_address
from channels.edge.payload import (
    Acknowledgement,
    Delivery,
    Posted,
    UnreadablePayload,
    a_text,
    an_identifier,
)
from channels.edge.posting import REASON_LENGTH_MAX, json_of, post, refused_by_status, retry_after
from channels.edge.text import clean, one_line
from channels.edge.twilio_codes import ACCOUNT, MEANINGS, OPTED_OUT, REFUSALS
from channels.telephony import twilio
from domain.account import AccountDefinition, AccountInvalid
from domain.intake import DeliveryReport, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from domain.outbound.reach import Reach

API_URL = "https://api.twilio.com"
ACKNOWLEDGEMENT = Acknowledgement(status=204)
"""Empty: a text answered to a message would be sent to the customer as a reply."""
MEDIA_HOSTS = (".twilio.com", ".twiliocdn.com", "s3-external-1.amazonaws.com")
"""A media URL leads from the API to where Twilio stores files."""
TEXT_LENGTH_MAX = 1_600
MEDIA_MAX = 10
INBOUND = frozenset({"", "received", "receiving"})
STATUSES = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
}
OPT_OUTS = {
    "STOP": "The customer unsubscribed: Twilio refuses every SMS to them until they write START.",
    "START": "The customer subscribed again: SMS reach them.",
    "HELP": "The customer asked for help, and Twilio answered with the text set up there.",
}
REACH = {"STOP": Reach.UNSUBSCRIBED, "START": Reach.OPEN}
OPT_INS = frozenset({"START", "YES", "UNSTOP"})
"""What lifts a STOP by default. `OptOutType` comes with Advanced Opt-Out only. Source: Twilio, opt-out keywords."""
KINDS = {"image": ContentKind.IMAGE, "audio": ContentKind.AUDIO, "video": ContentKind.VIDEO}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a Twilio number needs."""

    address: str
    """`AccountDefinition.address`: our number, as in `+4915735980000`, a short code, or a Messaging Service `MG…`.

    A Messaging Service needs a hook address of its own, since its messages name the number that they came to as well.
    """
    account_sid: str
    """Of the subaccount where the number is; its token is its own."""
    auth_tokens: tuple[str, ...]
    """Settings `auth_token` and `auth_token_previous`; sending uses the first."""
    region: str
    """`AccountDefinition.default_region`: of numbers without a country."""
    status_callback_url: str
    """Where Twilio tells what became of a message; empty where the number's Messaging Service says it."""
    api_url: str


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing or wrong."""
    given, region = definition.settings, definition.default_region.upper()
    for name in ("account_sid", "auth_token"):
        if not given.get(name):
            raise AccountInvalid(f"settings.{name}: an sms account needs it")
    if not definition.address:
        raise AccountInvalid("address: an sms account needs its number, as in +4915735980000")
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        raise AccountInvalid(f"default_region: {definition.default_region!r} is no country code such as DE")
    if (written := sms_address(definition.address, region)) != definition.address:
        raise AccountInvalid(f"address: {definition.address!r} is to be written as Twilio does, {written!r}")
    return Settings(
        address=definition.address,
        account_sid=given["account_sid"],
        auth_tokens=tuple(one for one in (given["auth_token"], given.get("auth_token_previous", "")) if one),
        region=region,
        status_callback_url=given.get("status_callback_url", ""),
        api_url=(given.get("api_url") or API_URL).rstrip("/"),
    )


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Whether Twilio signed it with a token of the account. Raises SignatureWrong."""
    settings = read_settings(definition)
    twilio.demand_signature(posted, account_sid=settings.account_sid, auth_tokens=settings.auth_tokens)


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """The message, or what became of one we sent. Raises UnreadablePayload.

    Example: `MessageSid=SM1&AccountSid=AC1&From=%2B4930901820&To=%2B4915735980000&Body=Hallo&NumMedia=0`;
    a status callback: `MessageSid=SM2&MessageStatus=undelivered&ErrorCode=30003&From=…&To=…`
    """
    settings, fields, delivery = read_settings(definition), twilio.fields_of(posted), Delivery()
    provider_id = next((one for name in ("MessageSid", "SmsSid", "SmsMessageSid") if (one := fields.get(name))), "")
    if not provider_id:
        if "CallSid" not in fields:
            raise UnreadablePayload("MessageSid", "a delivery of Twilio has one")
        delivery.ignored.append(f"call:{one_line(fields.get('CallStatus', ''))}")
        return delivery
    status = (fields.get("MessageStatus") or fields.get("SmsStatus", "")).lower()
    ours, theirs = ("To", "From") if status in INBOUND else ("From", "To")
    is_grouped = fields.get("MessagingServiceSid") == settings.address
    address = settings.address if is_grouped else sms_address(fields.get(ours, ""), settings.region)
    handle = sms_address(fields.get(theirs, ""), settings.region) or "unknown"
    if status in INBOUND:
        content = _content(fields)
        message = InboundMessage(
            provider_id=an_identifier(provider_id),
            handle=handle,
            content=content,
            occurred_at=posted.received_at,
            author=one_line(fields.get("ProfileName", "")),
            kind="system" if content.kind is ContentKind.SYSTEM else "message",
        )
        delivery.messages.append((address, message))
    elif status in STATUSES:
        report = DeliveryReport(
            provider_id=an_identifier(provider_id),
            status=STATUSES[status],
            occurred_at=posted.received_at,
            handle=handle,
            reason=_reason(fields.get("ErrorCode", "")),
            reach=Reach.UNSUBSCRIBED if fields.get("ErrorCode", "") == str(OPTED_OUT) else None,
        )
        delivery.reports.append((address, report))
    else:
        delivery.ignored.append(f"status:{one_line(status)}")
    return delivery


def _content(fields: dict[str, str]) -> Content:
    body, opt_out = fields.get("Body", ""), fields.get("OptOutType", "").upper()
    if opt_out:
        said = OPT_OUTS.get(opt_out, f"Twilio took this for {one_line(opt_out)}.")
        text = "\n".join(part for part in (body, said) if part)
        return Content(kind=ContentKind.SYSTEM, text=text, reach=REACH.get(opt_out))
    media = [
        (fields[f"MediaUrl{i}"], fields.get(f"MediaContentType{i}", ""))
        for i in range(MEDIA_MAX)
        if fields.get(f"MediaUrl{i}")
    ]
    attachments = tuple(
        Attachment(content_type=one_line(kind) or "application/octet-stream", reference=clean(url)[:2_000])
        for url, kind in media
    )
    about = an_identifier(fields.get("OriginalRepliedMessageSid"))
    if attachments:
        kind = KINDS.get(attachments[0].content_type.partition("/")[0], ContentKind.DOCUMENT)
        return Content(kind=kind, text=body, attachments=attachments, about=about)
    if not body:
        return Content(kind=ContentKind.UNSUPPORTED, text="This SMS came without a text or a file.", about=about)
    return Content(text=body, about=about, reach=Reach.OPEN if body.strip().upper() in OPT_INS else None)


def _reason(code: str) -> str:
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 9 else 0
    return one_line(f"{code} {MEANINGS.get(number, '')}") if number else ""


async def send(definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
    """Hands a text to `Messages.json`; Twilio cuts it into segments and joins them on the handset. Pictures make it an
    MMS, which numbers of some countries alone can send: Twilio fetches them from us.

    A longer text is refused rather than sent as several: each would have a fate of its own, the reply only one.

    Example: `To=%2B4930901820&From=%2B4915735980000&Body=Hallo&StatusCallback=https%3A%2F%2F…` →
    `{"sid": "SM1", "status": "queued"}`; refused: `{"code": 21610, "message": "…", "status": 400}`
    """
    settings = read_settings(definition)
    if len(reply.text) > TEXT_LENGTH_MAX:
        reason = f"an SMS has at most {TEXT_LENGTH_MAX} characters, this text has {len(reply.text)}"
        return Rejected(reason=reason, refusal=Refusal.OUR_FAULT)
    if not all(file.link for file in reply.files):
        return Rejected(reason="Twilio fetches pictures from us, and nobody can reach us", refusal=Refusal.OUR_FAULT)
    form: dict[str, str | list[str]] = {"To": reply.handle}
    if reply.text:
        form["Body"] = reply.text
    if reply.files:
        form["MediaUrl"] = [file.link for file in reply.files]
    form["MessagingServiceSid" if settings.address.startswith("MG") else "From"] = settings.address
    if settings.status_callback_url:
        form["StatusCallback"] = settings.status_callback_url
    url = f"{settings.api_url}/2010-04-01/Accounts/{quote(settings.account_sid, safe='')}/Messages.json"
    answer = await post(client, url, data=form, auth=(settings.account_sid, settings.auth_tokens[0]))
    if not isinstance(answer, httpx.Response):
        return answer
    payload = json_of(answer)
    if answer.is_success:
        provider_id = an_identifier(payload.get("sid"))
        if not provider_id:
            return Unknown(reason=f"{answer.status_code} without the sid of a message")
        return Accepted(provider_id=provider_id, answer=a_text(payload.get("status")))
    return _refused(answer, payload.get("code"), a_text(payload.get("message")))


def _refused(answer: httpx.Response, code: object, words: str) -> Rejected | Unknown:
    """By Twilio's code; one that is not known here says no more than the status."""
    if isinstance(code, int) and code in REFUSALS:
        return Rejected(
            reason=one_line(f"{code} {MEANINGS.get(code) or words}")[:REASON_LENGTH_MAX],
            refusal=REFUSALS[code],
            retry_after_seconds=retry_after(answer),
            concerns_account=code in ACCOUNT,
            reach=Reach.UNSUBSCRIBED if code == OPTED_OUT else None,
        )
    return refused_by_status(answer, f"{code or ''} {words or answer.reason_phrase}")


async def fetch(definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
    """The bytes of a picture or file, by basic auth at Twilio's API, which leads on to a signed URL.

    Raises MediaRefused.
    """
    settings = read_settings(definition)
    given = f"{settings.account_sid}:{settings.auth_tokens[0]}".encode()
    headers = {"authorization": f"Basic {base64.b64encode(given).decode()}"}
    return await get(attachment.reference, hosts=MEDIA_HOSTS, headers=headers)
