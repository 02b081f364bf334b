"""Live call events: verify, acknowledge, parse.

What is told of a call is how far it came: it rings, somebody took it, it is over. In any order, and again.

| provider | rings | answered | over |
| --- | --- | --- | --- |
| twilio | `twilio_calls.py` | | a final `CallStatus` |
| sipgate | `newCall` | `answer` | `hangup` with `cause` |
| placetel | `IncomingCall`, `OutgoingCall` | `CallAccepted` | `HungUp` with `type` |
| generic | `newCall`, `ringing` | `answer` | `hangup` |

Proof: Twilio's signature as for SMS (`account_sid`, `auth_token`); `X-PLACETEL-SIGNATURE` or, of the generic form,
`X-Signature-256: sha256=<hex>` with `secret` as the key; else that secret as `?secret=` in the hook's URL.

sipgate and Placetel tell no times: each event happened when it came, and a call took from its answer to its end. At
whom it rings and who took it sipgate tells by `user[]`, `userId[]` and `answeringNumber`, Placetel by `peer`; a number
that is an agent's own says it too. A call that sipgate passed on is a new call with an id of its own.
"""

from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import quoteattr

from msgspec.structs import replace

from channels import phone
from channels.edge.payload import (
    Acknowledgement,
    Delivery,
    Posted,
    SignatureWrong,
    UnreadablePayload,
    a_dict,
    a_text,
    demand_hmac,
    read_json,
)
from channels.edge.text import clean, one_line
from channels.telephony import twilio, twilio_calls
from channels.telephony.fields import call_id_of, seconds_of, written_at
from domain.account import AccountDefinition
from domain.calls.intake import Call
from domain.calls.stages import Direction, Stage

FIELDS_MAX = 1_000
SIGNATURE_HEADERS = {"placetel": "x-placetel-signature", "generic": "x-signature-256"}
STAGES = {
    "newcall": Stage.RINGING,
    "incomingcall": Stage.RINGING,
    "outgoingcall": Stage.RINGING,
    "ringing": Stage.RINGING,
    "answer": Stage.ANSWERED,
    "answered": Stage.ANSWERED,
    "callaccepted": Stage.ANSWERED,
    "hangup": Stage.ENDED,
    "hungup": Stage.ENDED,
}
"""What events mean, by their names in lower case."""
OUTGOING = {"outgoingcall": "out"}
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
"""Ends after which nobody has to call back."""


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
    """How far a call came, else the name of what happened. Raises UnreadablePayload.

    Example: `event=newCall&callId=123456&from=492111234567&to=4915791234567&direction=in&user[]=Ana&userId[]=w0`;
    `event=answer&callId=123456&…&user=Ana&answeringNumber=4921199999999`; `event=hangup&cause=normalClearing&…`;
    in JSON of the generic form, with `duration`, `startedAt` (`2026-11-11T09:30:00Z`) and `answeredAt` where known
    """
    settings = phone.read_settings(definition)
    if settings.provider == "twilio":
        return twilio_calls.parse(definition, settings, posted)
    fields = _Fields(posted)
    event = one_line(fields["event"])
    if not event:
        raise UnreadablePayload("event", "a call event names itself")
    if (stage := STAGES.get(event.lower())) is None:
        return Delivery(ignored=[f"call:{event}"])
    direction = _direction(fields["direction"] or OUTGOING.get(event.lower(), ""), fields["from"], settings)
    is_inbound = direction is Direction.INBOUND
    ours = fields.of_ours(stage, is_inbound=is_inbound)
    call = Call(
        call_id=call_id_of(fields["callId"] or fields["call_id"], "callId"),
        direction=direction,
        handle=_number(fields["from" if is_inbound else "to"], settings),
        outcome="",
        occurred_at=posted.received_at,
        stage=stage,
        agent_ids=phone.agents_named(settings, [*ours, *(_number(one, settings) for one in ours)]),
        answered_by=fields.answered_by() if stage is Stage.ANSWERED and is_inbound else "",
    )
    return Delivery(calls=[(definition.address, _timed(call, fields, posted.received_at))])


def _timed(call: Call, fields: "_Fields", received_at: datetime) -> Call:
    """With when it happened; of one that is over also how it ended."""
    began_at = written_at(fields["startedAt"], received_at)
    if call.stage is Stage.RINGING:
        return replace(call, occurred_at=began_at or received_at)
    if call.stage is Stage.ANSWERED:
        return replace(call, occurred_at=written_at(fields["answeredAt"], received_at) or received_at)
    cause = (fields["cause"] or fields["type"]).lower().replace("_", "").replace("-", "")
    seconds = seconds_of(fields["duration"])
    return replace(
        call,
        outcome=OUTCOMES.get(cause, ""),
        occurred_at=began_at or received_at - timedelta(seconds=seconds),
        duration_seconds=seconds,
        note=NOTES.get(cause, "") if cause in OUTCOMES or not cause else f"Ended with {one_line(cause)}.",
        is_settled=cause in NOTES,
    )


class _Fields:
    """A form's or JSON object's fields, each of which may come several times. Raises UnreadablePayload."""

    def __init__(self, posted: Posted) -> None:
        self._found: dict[str, list[str]] = {}
        for name, value in _fields(posted):
            self._found.setdefault(name.removesuffix("[]"), []).append(value)

    def __getitem__(self, name: str) -> str:
        """The first, or nothing."""
        return self._found.get(name, [""])[0]

    def all(self, *names: str) -> list[str]:
        """All of these names; several may stand in one, separated by commas."""
        return [one for name in names for value in self._found.get(name, []) for one in value.split(",")]

    def of_ours(self, stage: Stage, *, is_inbound: bool) -> list[str]:
        """What the telephone system calls those of ours who take part: whom it rings at, who took it, who calls."""
        users = self.all("user", "userId", "fullUserId", "peer")
        if not is_inbound:
            return [*users, self["from"]]
        return [*users, *self.all("answeringNumber"), *([self["to"]] if stage is Stage.RINGING else [])]

    def answered_by(self) -> str:
        """A name if there is one."""
        told = (self[name] for name in ("user", "peer", "answeringNumber", "userId"))
        return one_line(next(filter(None, told), ""))[: phone.NAME_LENGTH_MAX]


def _fields(posted: Posted) -> list[tuple[str, str]]:
    """Names and values. Raises UnreadablePayload."""
    if "json" in posted.headers.get("content-type", "") or posted.raw.lstrip()[:1] in (b"{", b"["):
        given: dict[str, Any] = a_dict(read_json(posted.raw))
        several = ((name, value if isinstance(value, list) else [value]) for name, value in given.items())
        return [(name, a_text(value)) for name, values in several for value in values[:FIELDS_MAX]]
    try:
        found = parse_qsl(posted.raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise UnreadablePayload("", f"this is no form: {error}") from None
    return [(name, clean(value)) for name, value in found]


def _direction(said: str, caller: str, settings: phone.Settings) -> Direction:
    """As told; Placetel's end of a call does not tell, then a call from one of our numbers is ours."""
    if said:
        return Direction.OUTBOUND if said.lower().startswith("out") else Direction.INBOUND
    return Direction.OUTBOUND if _number(caller, settings) in settings.own_numbers else Direction.INBOUND


def _number(number: str, settings: phone.Settings) -> str:
    """In E.164; of sipgate too, which writes numbers with their country and without a plus: `492111234567`."""
    is_bare = settings.provider in ("sipgate", "generic") and number.isascii() and number.isdigit()
    if is_bare and len(number) > phone.SUBSCRIBER_DIGITS_MIN and not number.startswith("0"):
        number = f"+{number}"
    return phone.normalised(number, settings.region)
