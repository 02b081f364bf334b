"""Live call events: verify, acknowledge, parse.

A call is written down once, when it has ended: its claim is (account, call id), and only the end tells the outcome.
What comes before (`newCall`, `answer`, `ringing`) is named in `ignored`, so that order and repeats change nothing.

| provider | proof | end of a call | settings |
| --- | --- | --- | --- |
| twilio | `X-Twilio-Signature`, as for SMS | a final `CallStatus` | `account_sid`, `auth_token` |
| sipgate | `?secret=` in the hook's URL | `event=hangup` with `cause` | `secret` |
| placetel | `X-PLACETEL-SIGNATURE`, else `?secret=` | `event=HungUp` with `type` | `secret` |
| generic | `X-Signature-256: sha256=<hex>`, else `?secret=` | `{"event": "hangup"}` | `secret` |

sipgate and Placetel tell neither when a call began nor how long it took: it is dated by its end, with 0 seconds.
A call that sipgate passed on is a new call with an id of its own; a leg that Twilio dials belongs to its parent call.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import quoteattr

from channels import phone
from channels.edge.payload import (
    CLOCK_SKEW_MAX,
    Acknowledgement,
    Delivery,
    Posted,
    SignatureWrong,
    UnreadablePayload,
    a_dict,
    a_text,
    an_identifier,
    demand_hmac,
    plausible,
    read_json,
)
from channels.edge.text import clean, one_line
from channels.telephony import twilio
from domain.account import AccountDefinition
from domain.call_intake import Call
from domain.calls import Direction

FIELDS_MAX = 1_000
SIGNATURE_HEADERS = {"placetel": "x-placetel-signature", "generic": "x-signature-256"}
TWILIO_OUTCOMES: dict[str, phone.Outcome] = {
    "completed": "answered",
    "busy": "busy",
    "no-answer": "missed",
    "canceled": "missed",
    "failed": "failed",
}
ENDS = frozenset({"hangup", "hungup"})
OUTCOMES: dict[str, phone.Outcome] = {
    "normalclearing": "answered",
    "accepted": "answered",
    "answered": "answered",
    "busy": "busy",
    "cancel": "missed",
    "cancelled": "missed",
    "canceled": "missed",
    "noanswer": "missed",
    "missed": "missed",
    "blocked": "missed",
    "forwarded": "missed",
    "voicemail": "voicemail",
    "congestion": "failed",
    "notfound": "failed",
    "unavailable": "failed",
    "failed": "failed",
}
"""sipgate's causes, Placetel's types and our own outcomes, in lower case without separators."""
NOTES = {"forwarded": "The telephone system passed the call on.", "blocked": "The telephone system blocked the call."}


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Whether the request proves to come from the account's telephone system. Raises SignatureWrong, AccountInvalid."""
    settings = phone.read_settings(definition)
    if settings.provider == "twilio":
        twilio.demand_signature(posted, account_sid=settings.account_sid, auth_tokens=settings.secrets)
        return
    header = SIGNATURE_HEADERS.get(settings.provider, "")
    if signature := posted.headers.get(header, ""):
        given = signature.removeprefix("sha256=").encode("utf-8", "replace")
        demand_hmac(posted.raw, given, [secret.encode() for secret in settings.secrets])
        return
    secret = posted.query.get("secret", "").encode("utf-8", "replace")
    if not any(compare_digest(secret, one.encode()) for one in settings.secrets):
        raise SignatureWrong("secret: missing from the hook's URL, or not that of this account")


def acknowledge(definition: AccountDefinition, posted: Posted) -> Acknowledgement:
    """What the telephone system wants to hear. sipgate tells how a call ends only to a URL that we name.

    Twilio reads the answer to a status callback no further than its status. Raises AccountInvalid.

    Example: `<Response onAnswer="https://…/v1/webhooks/phone/account-…?secret=…" onHangup="https://…"/>`
    """
    if phone.read_settings(definition).provider != "sipgate":
        return Acknowledgement(status=204)
    url = quoteattr(posted.url)
    body = f'<?xml version="1.0" encoding="UTF-8"?><Response onAnswer={url} onHangup={url}/>'
    return Acknowledgement(body=body.encode("utf-8", "replace"), media_type="application/xml")


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """The call if it has ended, else the name of what happened. Raises UnreadablePayload.

    Example: `event=hangup&cause=normalClearing&callId=123456&from=492111234567&to=4915791234567&direction=in`, in JSON
    of the generic form with `"duration": 42` and `"startedAt": "2026-11-11T09:30:00Z"` if it knows them; Twilio's
    `CallSid=CA1&CallStatus=completed&CallDuration=42&Direction=inbound&From=%2B4930901820&To=…&SequenceNumber=3`
    """
    settings = phone.read_settings(definition)
    if settings.provider == "twilio":
        return _twilio_call(definition, settings, posted)
    fields = _fields(posted)
    event = one_line(fields.get("event", ""))
    if not event:
        raise UnreadablePayload("event", "a call event names itself")
    if event.lower() not in ENDS:
        return Delivery(ignored=[f"call:{event}"])
    caller, called = fields.get("from", ""), fields.get("to", "")
    direction = _direction(fields.get("direction", ""), caller, settings)
    cause = (fields.get("cause") or fields.get("type", "")).lower().replace("_", "").replace("-", "")
    seconds = _seconds(fields.get("duration", ""))
    call = Call(
        call_id=_call_id(fields.get("callId") or fields.get("call_id", ""), "callId"),
        direction=direction,
        handle=_customer(caller if direction is Direction.INBOUND else called, settings),
        outcome=OUTCOMES.get(cause, "answered" if seconds else "missed"),
        occurred_at=_started(fields.get("startedAt", ""), posted.received_at, seconds),
        duration_seconds=seconds,
        note=NOTES.get(cause, "") if cause in OUTCOMES or not cause else f"Ended with {one_line(cause)}.",
    )
    return Delivery(calls=[(definition.address, call)])


def _twilio_call(definition: AccountDefinition, settings: phone.Settings, posted: Posted) -> Delivery:
    fields = twilio.fields_of(posted)
    status = one_line(fields.get("CallStatus", "")).lower()
    if not status or "CallSid" not in fields:
        raise UnreadablePayload("CallStatus", "a call's status callback has one")
    if status not in TWILIO_OUTCOMES:
        return Delivery(ignored=[f"call:{status}"])
    if fields.get("ParentCallSid"):
        return Delivery(ignored=[f"leg:{status}"])
    direction = Direction.OUTBOUND if fields.get("Direction", "").startswith("outbound") else Direction.INBOUND
    ours, theirs = ("To", "From") if direction is Direction.INBOUND else ("From", "To")
    outcome = TWILIO_OUTCOMES[status]
    is_machine = fields.get("AnsweredBy", "").startswith("machine")
    seconds = _seconds(fields.get("CallDuration", "")) if outcome == "answered" else 0
    call = Call(
        call_id=_call_id(fields["CallSid"], "CallSid"),
        direction=direction,
        handle=phone.normalised(fields.get(theirs, ""), settings.region),
        outcome="voicemail" if outcome == "answered" and is_machine else outcome,
        occurred_at=_ended(fields.get("Timestamp", ""), posted.received_at) - timedelta(seconds=seconds),
        duration_seconds=seconds,
        author=one_line(fields.get("CallerName", "")) if direction is Direction.INBOUND else "",
    )
    # One token may stand for several numbers; where the account names its own, a call of another is not taken for it.
    address = definition.address and phone.normalised(fields.get(ours, ""), settings.region)
    return Delivery(calls=[(address, call)])


def _fields(posted: Posted) -> dict[str, str]:
    """A form's or JSON object's fields; of one that comes twice, the first. Raises UnreadablePayload."""
    if "json" in posted.headers.get("content-type", "") or posted.raw.lstrip()[:1] in (b"{", b"["):
        given: Mapping[str, Any] = a_dict(read_json(posted.raw))
        return {name: a_text(value) for name, value in given.items()}
    try:
        found: Sequence[tuple[str, str]] = parse_qsl(
            posted.raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX
        )
    except ValueError as error:
        raise UnreadablePayload("", f"this is no form: {error}") from None
    return {name: clean(value) for name, value in reversed(found)}


def _direction(said: str, caller: str, settings: phone.Settings) -> Direction:
    """As told; Placetel's end of a call does not tell, then a call from one of our numbers is ours."""
    if said:
        return Direction.OUTBOUND if said.lower().startswith("out") else Direction.INBOUND
    return Direction.OUTBOUND if _customer(caller, settings) in settings.own_numbers else Direction.INBOUND


def _customer(number: str, settings: phone.Settings) -> str:
    """Of sipgate, which writes numbers with their country and without a plus: `492111234567`."""
    is_bare = settings.provider in ("sipgate", "generic") and number.isascii() and number.isdigit()
    if is_bare and len(number) > phone.SUBSCRIBER_DIGITS_MIN and not number.startswith("0"):
        number = f"+{number}"
    return phone.normalised(number, settings.region)


def _call_id(given: str, field: str) -> str:
    if not (call_id := an_identifier(given)):
        raise UnreadablePayload(field, "a call has an id")
    return call_id


def _seconds(given: str) -> int:
    """0 for what is no number of seconds."""
    whole = given.strip().partition(".")[0]
    is_number = whole.isascii() and whole.isdigit() and len(whole) < 10
    return min(int(whole), phone.DURATION_SECONDS_MAX) if is_number else 0


def _ended(given: str, received_at: datetime) -> datetime:
    """Of `Wed, 11 Nov 2026 09:33:00 +0000`."""
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return received_at
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return plausible(at, received_at=received_at) if at.year > 1970 else received_at


def _started(given: str, received_at: datetime, seconds: int) -> datetime:
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not 1970 < at.year < 9999 or at > received_at + CLOCK_SKEW_MAX:
        return received_at - timedelta(seconds=seconds)
    return at.astimezone(UTC)
