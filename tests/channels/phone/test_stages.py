"""Phone: how far a call came, at whom it rings and who took it, as each telephone system tells."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from channels import phone
from channels.telephony import live
from domain.account import AccountInvalid
from domain.calls.intake import Call
from domain.calls.stages import Direction, Stage
from tests.channels.phone.live_events import PLACETEL_ID, a_form, a_line, from_sipgate, from_twilio, the_call
from tests.channels.posted import NOON, posted

ANA, BEN = f"agent-{'a' * 32}", f"agent-{'b' * 32}"
AGENTS = f"w0={ANA}, Alice B={ANA}, 0211 1234512={BEN}, 7777abcdefg@fpbx.de={BEN}, client:ben={BEN}, 205={BEN}"


def test_a_new_call_of_sipgate_rings_at_those_it_names() -> None:
    definition = a_line("sipgate", agents=AGENTS)

    call = the_call(definition, from_sipgate("newCall", **{"userId[]": "w0", "fullUserId[]": "1234567w0"}))

    assert call == Call(
        call_id="123456",
        direction=Direction.INBOUND,
        handle="+492111234567",
        outcome="",
        occurred_at=NOON,
        stage=Stage.RINGING,
        agent_ids=(ANA,),
    )


def test_several_users_may_stand_in_one_field_or_in_several() -> None:
    definition = a_line("sipgate", agents=f"Alice={ANA},Bob={BEN}")
    body = "event=newCall&callId=1&from=492111234567&to=4915791234567&direction=in&"

    for users in ("user[]=Alice&user[]=Bob", "user%5B%5D=Alice,Bob", "user[]=Bob&user[]=alice&user[]=Nobody"):
        (call,) = [one for _, one in live.parse(definition, posted(f"{body}{users}".encode())).calls]
        assert call.agent_ids == (ANA, BEN)


def test_an_answer_of_sipgate_says_who_took_the_call() -> None:
    definition = a_line("sipgate", agents=AGENTS)

    call = the_call(definition, from_sipgate("answer", user="John Doe", answeringNumber="492111234512"))

    assert (call.stage, call.answered_by, call.agent_ids) == (Stage.ANSWERED, "John Doe", (BEN,))


def test_a_call_to_the_number_of_an_agent_rings_at_them() -> None:
    definition = a_line("sipgate", agents=AGENTS)

    call = the_call(definition, from_sipgate("newCall", to="492111234512"))

    assert call.agent_ids == (BEN,)


def test_of_a_call_that_leaves_the_agent_is_the_one_who_calls() -> None:
    definition = a_line("sipgate", agents=AGENTS)
    told = {"direction": "out", "from": "492111234567", "to": "4915791234567", "user[]": "Alice B"}

    rings = the_call(definition, from_sipgate("newCall", **told))
    answered = the_call(definition, from_sipgate("answer", **told, answeringNumber="492111234512"))

    assert (rings.direction, rings.handle, rings.agent_ids) == (Direction.OUTBOUND, "+4915791234567", (ANA,))
    assert (answered.agent_ids, answered.answered_by) == ((ANA,), ""), "the customer took it"


@pytest.mark.parametrize(
    ("event", "stage", "direction"),
    [
        ("IncomingCall", Stage.RINGING, Direction.INBOUND),
        ("OutgoingCall", Stage.RINGING, Direction.OUTBOUND),
        ("CallAccepted", Stage.ANSWERED, Direction.INBOUND),
    ],
)
def test_each_event_of_placetel_has_a_stage(event: str, stage: Stage, direction: Direction) -> None:
    told = {"event": event, "from": "022129191999", "to": "022129191998", "call_id": PLACETEL_ID}

    call = the_call(a_line("placetel"), a_form(**told))

    assert (call.call_id, call.stage, call.direction) == (PLACETEL_ID, stage, direction)
    assert call.handle == ("+4922129191999" if direction is Direction.INBOUND else "+4922129191998")


def test_an_accepted_call_of_placetel_names_its_peer() -> None:
    told = {"event": "CallAccepted", "from": "anonymous", "to": "022129191999", "call_id": PLACETEL_ID}

    call = the_call(a_line("placetel", agents=AGENTS), a_form(**told, peer="7777abcdefg@fpbx.de"))

    assert (call.handle, call.answered_by, call.agent_ids) == ("anonymous", "7777abcdefg@fpbx.de", (BEN,))


@pytest.mark.parametrize(
    ("told", "stage", "occurred_at"),
    [
        ({"event": "newCall", "startedAt": "2026-11-21T12:30:00+01:00"}, Stage.RINGING, NOON - timedelta(minutes=30)),
        ({"event": "ringing", "user": ["Ana", 205]}, Stage.RINGING, NOON),
        ({"event": "answer", "answeredAt": "2026-11-21T11:59:00Z"}, Stage.ANSWERED, NOON - timedelta(minutes=1)),
        ({"event": "answer", "answeredAt": "2027-11-21T11:59:00Z"}, Stage.ANSWERED, NOON),
        ({"event": "hangup", "duration": 60}, Stage.ENDED, NOON - timedelta(minutes=1)),
    ],
)
def test_the_generic_form_may_tell_when_each_thing_happened(
    told: dict[str, object], stage: Stage, occurred_at: datetime
) -> None:
    body = json.dumps({"callId": 7, "from": "4930901820", "to": "204", "direction": "in"} | told).encode()

    ((_, call),) = live.parse(a_line("generic", agents=AGENTS), posted(body)).calls

    assert (call.call_id, call.stage, call.occurred_at) == ("7", stage, occurred_at)
    assert call.agent_ids == ((BEN,) if "user" in told else ())


@pytest.mark.parametrize("cause", ["forwarded", "blocked"])
def test_what_was_passed_on_or_blocked_need_not_be_called_back(cause: str) -> None:
    assert the_call(a_line("sipgate"), from_sipgate("hangup", cause=cause)).is_settled
    assert not the_call(a_line("sipgate"), from_sipgate("hangup", cause="noAnswer")).is_settled


def test_what_else_a_telephone_system_tells_is_named() -> None:
    assert live.parse(a_line("sipgate"), from_sipgate("dtmf")).ignored == ["call:dtmf"]
    assert live.parse(a_line("twilio"), from_twilio("queued")).ignored == ["call:queued"]


@pytest.mark.parametrize(
    ("status", "direction", "stage"),
    [
        ("ringing", "inbound", Stage.RINGING),
        ("in-progress", "inbound", Stage.RINGING),
        ("initiated", "outbound-api", Stage.RINGING),
        ("in-progress", "outbound-api", Stage.ANSWERED),
        ("completed", "inbound", Stage.ENDED),
        ("no-answer", "outbound-dial", Stage.ENDED),
    ],
)
def test_each_status_of_a_twilio_call_has_a_stage(status: str, direction: str, stage: Stage) -> None:
    call = the_call(a_line("twilio"), from_twilio(status, Direction=direction))

    assert (call.call_id, call.stage, call.may_be_menu) == ("CA1", stage, direction == "inbound")


@pytest.mark.parametrize(
    ("status", "stage"),
    [("initiated", Stage.RINGING), ("ringing", Stage.RINGING), ("in-progress", Stage.ANSWERED)],
)
def test_a_leg_of_twilio_to_one_of_ours_tells_of_its_parent_call(status: str, stage: Stage) -> None:
    definition = a_line("twilio", "+4915735980000", agents=AGENTS)
    leg = {"CallSid": "CA2", "ParentCallSid": "CA1", "Direction": "outbound-dial", "To": "client:ben"}

    call = the_call(definition, from_twilio(status, **leg, Timestamp="Sat, 21 Nov 2026 11:59:00 +0000"))

    assert (call.call_id, call.stage, call.handle, call.agent_ids) == ("CA1", stage, "+4930901820", (BEN,))
    assert call.direction is Direction.INBOUND
    assert call.occurred_at == datetime(2026, 11, 21, 11, 59, tzinfo=UTC)
    assert call.answered_by == ("ben" if stage is Stage.ANSWERED else "")


def test_a_leg_of_twilio_that_is_over_had_been_taken() -> None:
    definition = a_line("twilio", agents=AGENTS)
    leg = {"CallSid": "CA2", "ParentCallSid": "CA1", "To": "sip:205@shop.sip.twilio.com", "CallDuration": "42"}

    call = the_call(definition, from_twilio("completed", **leg))

    assert (call.stage, call.occurred_at, call.agent_ids) == (Stage.ANSWERED, NOON - timedelta(seconds=42), (BEN,))


@pytest.mark.parametrize(
    ("status", "more"),
    [
        ("no-answer", {"To": "client:ben"}),
        ("busy", {"To": "client:ben"}),
        ("ringing", {"To": "+4915112345678"}),
        ("completed", {"To": "client:ben", "AnsweredBy": "machine_start"}),
        ("ringing", {"To": "client:ben", "From": "+4915735980000"}),
    ],
)
def test_other_legs_of_twilio_are_named(status: str, more: dict[str, str]) -> None:
    definition = a_line("twilio", "+4915735980000", agents=AGENTS)

    delivery = live.parse(definition, from_twilio(status, CallSid="CA2", ParentCallSid="CA1", **more))

    assert (delivery.calls, delivery.ignored) == ([], [f"leg:{status}"])


@pytest.mark.parametrize("written", ["204", "204=", f"={ANA}", "204=Ana", f"204={ANA}, 205=agent-1"])
def test_whose_an_extension_is_has_to_be_an_agent(written: str) -> None:
    with pytest.raises(AccountInvalid, match=r"settings\.agents"):
        phone.read_settings(a_line("sipgate", agents=written))
