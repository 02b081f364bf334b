"""Live call events of Twilio: status callbacks of a call, and of the legs that it dials.

| `CallStatus` | of the call | of a leg that dials one of ours |
| --- | --- | --- |
| `initiated`, `ringing` | it rings | it rings at them |
| `in-progress` | outbound: answered; inbound: a menu or a greeting took it, it still rings | they took it |
| `completed` | over | they had taken it |
| `busy`, `no-answer`, `canceled`, `failed` | over | nothing: it may ring elsewhere |

A leg belongs to its parent call. It dials one of ours if its `To` is a client, a SIP address, or named in `agents`. So
that a call is seen ringing, put the hook's URL into the number's status callback and into the `statusCallback` of
`<Number>`, `<Client>` or `<Sip>` in `<Dial>`, with all of its `statusCallbackEvent`s. A leg that shows one of our own
numbers does not tell who calls, and is left out.
"""

from datetime import timedelta

from channels import phone
from channels.edge.payload import Delivery, Posted, UnreadablePayload
from channels.edge.text import one_line
from channels.telephony import twilio
from channels.telephony.fields import call_id_of, seconds_of, told_at
from domain.account import AccountDefinition
from domain.calls.intake import Call
from domain.calls.stages import Direction, Stage

OUTCOMES: dict[str, phone.Outcome] = {
    "completed": "answered",
    "busy": "busy",
    "no-answer": "missed",
    "canceled": "missed",
    "failed": "failed",
}
RINGS = frozenset({"initiated", "ringing"})
ANSWERED = "in-progress"


def parse(definition: AccountDefinition, settings: phone.Settings, posted: Posted) -> Delivery:
    """How far a call came, else the name of what happened. Raises UnreadablePayload.

    Example: `CallSid=CA1&CallStatus=completed&CallDuration=42&Direction=inbound&From=%2B4930901820&To=…`; a leg has
    `CallSid=CA2&ParentCallSid=CA1&CallStatus=ringing&Direction=outbound-dial&From=%2B4930901820&To=client%3Aana`
    """
    fields = twilio.fields_of(posted)
    status = one_line(fields.get("CallStatus", "")).lower()
    if not status or "CallSid" not in fields:
        raise UnreadablePayload("CallStatus", "a call's status callback has one")
    if fields.get("ParentCallSid"):
        call = _leg(fields, status, settings, posted)
        return Delivery(calls=[(definition.address, call)]) if call else Delivery(ignored=[f"leg:{status}"])
    call = _call(fields, status, settings, posted)
    if call is None:
        return Delivery(ignored=[f"call:{status}"])
    # One token may stand for several numbers; where the account names its own, a call of another is not taken for it.
    ours = fields.get("To" if call.direction is Direction.INBOUND else "From", "")
    return Delivery(calls=[(definition.address and phone.normalised(ours, settings.region), call)])


def _call(fields: dict[str, str], status: str, settings: phone.Settings, posted: Posted) -> Call | None:
    is_inbound = not fields.get("Direction", "").startswith("outbound")
    outcome = OUTCOMES.get(status, "")
    is_machine = fields.get("AnsweredBy", "").startswith("machine")
    seconds = seconds_of(fields.get("CallDuration", "")) if outcome == "answered" else 0
    if not outcome and status not in (*RINGS, ANSWERED):
        return None
    stage = Stage.ANSWERED if status == ANSWERED and not is_inbound else Stage.RINGING
    return Call(
        call_id=call_id_of(fields["CallSid"], "CallSid"),
        direction=Direction.INBOUND if is_inbound else Direction.OUTBOUND,
        handle=phone.normalised(fields.get("From" if is_inbound else "To", ""), settings.region),
        outcome="voicemail" if outcome == "answered" and is_machine else outcome,
        occurred_at=told_at(fields.get("Timestamp", ""), posted.received_at) - timedelta(seconds=seconds),
        stage=Stage.ENDED if outcome else stage,
        duration_seconds=seconds,
        author=one_line(fields.get("CallerName", "")) if is_inbound else "",
        may_be_menu=is_inbound,
    )


def _leg(fields: dict[str, str], status: str, settings: phone.Settings, posted: Posted) -> Call | None:
    to = one_line(fields.get("To", ""))
    agent_ids = phone.agents_named(settings, [to])
    is_ours = bool(agent_ids) or to.startswith(("client:", "sip:"))
    is_taken = status in (ANSWERED, "completed") and not fields.get("AnsweredBy", "").startswith("machine")
    caller = phone.normalised(fields.get("From", ""), settings.region)
    if not is_ours or caller in settings.own_numbers or not (is_taken or status in RINGS):
        return None
    seconds = seconds_of(fields.get("CallDuration", ""))
    return Call(
        call_id=call_id_of(fields["ParentCallSid"], "ParentCallSid"),
        direction=Direction.INBOUND,
        handle=caller,
        outcome="",
        occurred_at=told_at(fields.get("Timestamp", ""), posted.received_at) - timedelta(seconds=seconds),
        stage=Stage.ANSWERED if is_taken else Stage.RINGING,
        agent_ids=agent_ids,
        answered_by=to.removeprefix("client:").removeprefix("sip:") if is_taken else "",
    )
