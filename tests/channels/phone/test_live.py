"""Phone: live call events of Twilio, sipgate, Placetel and the generic form."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from channels import phone
from channels.edge.payload import SignatureWrong, UnreadablePayload
from channels.telephony import live
from domain.account import AccountDefinition, AccountInvalid
from domain.calls.intake import Call
from domain.calls.stages import Direction
from tests.channels.phone.live_events import PLACETEL_ID, a_form, a_line, from_sipgate, from_twilio, the_call
from tests.channels.posted import NOON, an_account, posted


def test_a_call_of_sipgate_is_written_down_when_it_ends() -> None:
    call = the_call(a_line("sipgate"), from_sipgate("hangup", cause="normalClearing"))

    assert call == Call(
        call_id="123456",
        direction=Direction.INBOUND,
        handle="+492111234567",
        outcome="answered",
        occurred_at=NOON,
    )


def test_a_call_of_twilio_is_dated_by_its_end_and_duration() -> None:
    timestamp = "Sat, 21 Nov 2026 11:59:00 +0000"
    definition = a_line("twilio", "+4915735980000")

    call = the_call(definition, from_twilio("completed", CallDuration="42", Timestamp=timestamp))

    assert call == Call(
        call_id="CA1",
        direction=Direction.INBOUND,
        handle="+4930901820",
        outcome="answered",
        occurred_at=datetime(2026, 11, 21, 11, 58, 18, tzinfo=UTC),
        duration_seconds=42,
        may_be_menu=True,
    )


def test_the_generic_form_may_tell_begin_and_duration() -> None:
    told = {"event": "hangup", "callId": 7, "from": "4930901820", "to": "204", "direction": "in", "duration": 42}
    body = json.dumps(told | {"startedAt": "2026-11-21T09:30:00+01:00", "cause": "normalClearing", "user": ["Ana"]})
    signature = hmac.new(b"s3", body.encode(), hashlib.sha256).hexdigest()

    call = the_call(a_line("generic"), posted(body.encode(), {"x-signature-256": f"sha256={signature}"}))

    assert (call.call_id, call.handle, call.duration_seconds) == ("7", "+4930901820", 42)
    assert call.occurred_at == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        ("normalClearing", "answered"),
        ("busy", "busy"),
        ("cancel", "missed"),
        ("noAnswer", "missed"),
        ("congestion", "failed"),
        ("notFound", "failed"),
        ("forwarded", "missed"),
        ("somethingNew", ""),
        ("", ""),
    ],
)
def test_each_cause_of_sipgate_has_an_outcome(cause: str, outcome: str) -> None:
    call = the_call(a_line("sipgate"), from_sipgate("hangup", cause=cause))

    assert call.outcome == outcome
    assert bool(call.note) == (cause in ("forwarded", "somethingNew"))


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("accepted", "answered"), ("missed", "missed"), ("voicemail", "voicemail"), ("blocked", "missed")],
)
def test_each_end_that_placetel_documents_has_an_outcome(kind: str, outcome: str) -> None:
    told = {"event": "HungUp", "from": "022129191999", "to": "022129191998", "call_id": PLACETEL_ID, "type": kind}

    call = the_call(a_line("placetel"), a_form(**told))

    assert (call.call_id, call.handle, call.outcome) == (PLACETEL_ID, "+4922129191999", outcome)


def test_a_call_from_a_number_of_ours_is_outbound_where_nobody_says() -> None:
    definition = a_line("placetel", own_numbers="0221 29191999, 0221 29191997")
    told = {"event": "HungUp", "from": "022129191999", "to": "anonymous", "call_id": "1", "type": "accepted"}

    call = the_call(definition, a_form(**told))

    assert (call.direction, call.handle) == (Direction.OUTBOUND, "anonymous")


@pytest.mark.parametrize(
    ("status", "more", "outcome"),
    [
        ("completed", {"CallDuration": "5"}, "answered"),
        ("completed", {"AnsweredBy": "machine_end_beep"}, "voicemail"),
        ("busy", {}, "busy"),
        ("no-answer", {"CallDuration": "9"}, "missed"),
        ("canceled", {}, "missed"),
        ("failed", {}, "failed"),
    ],
)
def test_each_end_of_twilio_has_an_outcome(status: str, more: dict[str, str], outcome: str) -> None:
    assert the_call(a_line("twilio"), from_twilio(status, **more)).outcome == outcome


def test_the_customer_of_an_outbound_call_is_the_one_called() -> None:
    call = the_call(a_line("twilio"), from_twilio("completed", Direction="outbound-api"))

    assert (call.direction, call.handle) == (Direction.OUTBOUND, "+4915735980000")


@pytest.mark.parametrize("number", ["anonymous", "Anonymous", "", "+266696687", "+7378742833"])
def test_a_withheld_number_is_anonymous(number: str) -> None:
    assert the_call(a_line("twilio"), from_twilio("busy", From=number)).handle == "anonymous"
    assert the_call(a_line("sipgate"), from_sipgate("hangup", **{"from": number})).handle == "anonymous"


def test_a_call_of_another_number_is_not_taken_for_the_accounts() -> None:
    ((address, _),) = live.parse(a_line("twilio", "+4930123456"), from_twilio("completed")).calls

    assert address == "+4915735980000"


def test_sipgate_is_told_where_to_say_that_a_call_ended() -> None:
    answer = live.acknowledge(a_line("sipgate"), from_sipgate("newCall"))

    named = "'https://cc.example/v1/webhooks/phone/account-1?secret=s3&amp;a=\"b\"'"
    assert answer.media_type == "application/xml"
    assert answer.body.decode().endswith(f"<Response onAnswer={named} onHangup={named}/>")
    assert live.acknowledge(a_line("twilio"), from_twilio("ringing")).status == 204


def test_placetels_signature_counts_where_there_is_one() -> None:
    body = b"event=HungUp&call_id=1&type=missed&from=anonymous"
    signature = hmac.new(b"old", body, hashlib.sha256).hexdigest()
    definition = a_line("placetel", secret_previous="old")

    live.verify(definition, posted(body, {"x-placetel-signature": signature}))

    for wrong in ("0" * 64, "é", signature.upper()):
        with pytest.raises(SignatureWrong):
            live.verify(definition, posted(body, {"x-placetel-signature": wrong}, {"secret": "s3"}))


@pytest.mark.parametrize("query", [{}, {"secret": ""}, {"secret": "s"}, {"secret": "é"}, {"token": "s3"}])
def test_without_the_secret_nobody_gets_in(query: dict[str, str]) -> None:
    for provider in ("sipgate", "placetel", "generic"):
        with pytest.raises(SignatureWrong):
            live.verify(a_line(provider), posted(b"event=hangup", query=query))


def test_an_account_without_live_events_takes_none() -> None:
    for query in ({}, {"secret": ""}):
        with pytest.raises(SignatureWrong):
            live.verify(an_account("phone"), posted(b"event=hangup", query=query))


def test_a_call_of_twilio_is_signed_as_its_sms_are() -> None:
    good = from_twilio("completed")

    live.verify(a_line("twilio"), good)

    for wrong in (replace(good, raw=good.raw + b"&More=1"), replace(good, headers={}), replace(good, url="")):
        with pytest.raises(SignatureWrong):
            live.verify(a_line("twilio"), wrong)


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        (a_line("acme"), "settings.provider"),
        (a_line("sipgate", secret=""), "settings.secret"),
        (a_line("twilio", auth_token=""), "settings.auth_token"),
        (a_line("twilio", account_sid=""), "settings.account_sid"),
        (a_line("twilio", "0157 35980000"), "address"),
    ],
)
def test_a_setting_that_is_missing_is_named(definition: AccountDefinition, named: str) -> None:
    with pytest.raises(AccountInvalid, match=named):
        phone.read_settings(definition)


@pytest.mark.parametrize("raw", [b"", b"[]", b"event=hangup", b'{"event": "hangup"}', b"a=1&" * 2_000])
def test_an_event_without_name_or_id_is_unreadable(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        live.parse(a_line("generic"), posted(raw))


TEXTS = st.one_of(
    st.text(), st.sampled_from(["hangup", "in", "out", "anonymous", "99999999999", "9999-12-31T23:59:59Z"])
)
TEXTS |= st.sampled_from(["Fri, 31 Dec 9999 23:59:59 -2359", "completed", "0001-01-01T00:00:00+14:00", "1e9"])
NAMES = ["event", "callId", "from", "to", "direction", "cause", "duration", "startedAt", "CallSid", "CallStatus"]


@given(st.dictionaries(st.sampled_from([*NAMES, "CallDuration", "Timestamp", "From"]), TEXTS), st.binary())
def test_any_form_is_read_or_refused(fields: dict[str, Any], raw: bytes) -> None:
    for provider in ("twilio", "sipgate", "placetel", "generic"):
        for delivery in (posted(raw), posted(json.dumps(fields).encode(), {"content-type": "application/json"})):
            try:
                calls = live.parse(a_line(provider), delivery).calls
            except UnreadablePayload:
                continue
            assert all(call.occurred_at <= NOON + timedelta(days=1) for _, call in calls)
