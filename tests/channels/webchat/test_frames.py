"""Web chat: frames in and out, the visitor's token, and how much one visitor may send."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.sockets.allowances import Allowance
from channels import webchat
from channels.chat.tokens import make_visitor_token, verify_visitor_token
from channels.edge.payload import SignatureWrong, UnreadablePayload
from channels.webchat import Hello, Identify, Said, Typing
from domain.account import AccountDefinition, AccountInvalid
from domain.intake import InboundMessage
from domain.interaction import Content

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY, OLD_KEY = b"k" * 32, b"o" * 32


def a_token(key: bytes = KEY) -> str:
    return make_visitor_token("v-1", account_id="account-1", key=key, expires_at=NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("frame", "meaning"),
    [
        ({"kind": "hello"}, Hello()),
        ({"kind": "hello", "token": "t", "after": 7, "name": "Ana"}, Hello(token="t", after=7, name="Ana")),
        ({"kind": "message", "id": "a-1", "text": "Hi 😀"}, Said(id="a-1", text="Hi 😀")),
        ({"kind": "typing", "is_typing": False}, Typing(is_typing=False)),
        ({"kind": "identify", "user": "42", "proof": "9f"}, Identify(user="42", proof="9f")),
    ],
)
def test_a_visitors_frame_is_read(frame: dict[str, object], meaning: object) -> None:
    assert webchat.read_frame(json.dumps(frame)) == meaning
    assert webchat.read_frame(json.dumps(frame, ensure_ascii=False).encode()) == meaning


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"kind": "message", "id": "", "text": "x"}', "id"),
        (b'{"kind": "message", "id": "a b", "text": "x"}', "id"),
        (json.dumps({"kind": "message", "id": "a", "files": [{"ticket": "t"}] * 11}), "files"),
        (b'{"kind": "message", "id": "a", "files": [{"ticket": ""}]}', "files[0].ticket"),
        (json.dumps({"kind": "message", "id": "a", "text": "x" * 8_001}), "text"),
        (b'{"kind": "hello", "after": -1}', "after"),
        (b'{"kind": "welcome"}', "kind"),
        (b'{"kind": "message", "id": "a", "text": "\\ud800"}', ""),
        (b'{"kind": "hello", "name": "' + b"x" * 32_768 + b'"}', ""),
        ("😀" * 9_000, ""),
        (b"[" * 10_000, ""),
        (b"\xff", ""),
        (b"", ""),
    ],
)
def test_a_frame_beyond_the_protocol_is_refused_with_its_field(raw: bytes | str, field: str) -> None:
    with pytest.raises(UnreadablePayload) as refused:
        webchat.read_frame(raw)

    assert refused.value.field == field


@given(st.binary() | st.text())
def test_any_frame_is_read_or_refused(raw: bytes | str) -> None:
    with pytest.raises(UnreadablePayload):
        webchat.read_frame(raw)


def test_what_we_send_is_said_in_the_documented_words() -> None:
    frames: list[webchat.ServerFrame] = [
        webchat.Welcome(visitor_id="v", token="t", position=4711),
        webchat.Stored(id="b7c1f0", position=4712),
        webchat.Message(id="b7c1f0", text="Hi", position=4712, at=NOON),
        webchat.Reply(text="On its way", author="Kim", position=4720, at=NOON),
        webchat.Refused(problem="text: too long", id="b7c1f0"),
        webchat.Typing(is_typing=True),
        webchat.Presence(is_present=False),
        webchat.Identified(user="42", visitor_id="v", token="t"),
        webchat.Place(place=3, expected_seconds=240, low_seconds=120, high_seconds=390),
        webchat.Place(place=0),
    ]

    assert [json.loads(webchat.frame_bytes(frame)) for frame in frames] == [
        {"kind": "welcome", "visitor_id": "v", "token": "t", "position": 4711},
        {"kind": "stored", "id": "b7c1f0", "position": 4712},
        {"kind": "message", "id": "b7c1f0", "text": "Hi", "position": 4712, "at": "2026-11-21T12:00:00Z"},
        {"kind": "reply", "text": "On its way", "author": "Kim", "position": 4720, "at": "2026-11-21T12:00:00Z"},
        {"kind": "refused", "problem": "text: too long", "id": "b7c1f0"},
        {"kind": "typing"},
        {"kind": "presence", "is_present": False},
        {"kind": "identified", "user": "42", "visitor_id": "v", "token": "t"},
        {"kind": "place", "place": 3, "expected_seconds": 240, "low_seconds": 120, "high_seconds": 390},
        {"kind": "place", "place": 0},
    ]


def test_a_visitors_message_becomes_ours_under_the_visitors_own_ids() -> None:
    message = webchat.to_message(
        Said(id="a-1", text="Hi\x00\x07\nthere"), visitor_id="v-1", name="A\u202ena", received_at=NOON, language="de-AT"
    )

    assert message == InboundMessage(
        provider_id="v-1:a-1",
        handle="v-1",
        content=Content(text="Hi\nthere"),
        occurred_at=NOON,
        author="Ana",
        language="de-AT",
    )


def test_a_message_of_nothing_visible_is_refused() -> None:
    with pytest.raises(UnreadablePayload, match="text"):
        webchat.to_message(Said(id="a", text=" \x00\n"), visitor_id="v", name="", received_at=NOON)


def test_a_visitor_is_known_by_their_token() -> None:
    for key in (KEY, OLD_KEY):
        known = verify_visitor_token(a_token(key), account_id="account-1", keys=(KEY, OLD_KEY), at=NOON)

        assert known == "v-1"


@pytest.mark.parametrize(
    ("token", "account_id", "at"),
    [
        (a_token(), "account-2", NOON),
        (a_token(), "account-1", NOON + timedelta(days=1)),
        (a_token().replace("v-1", "v-2"), "account-1", NOON),
        (a_token()[:-1], "account-1", NOON),
        (a_token(b"x" * 32), "account-1", NOON),
        (make_visitor_token("v 1", account_id="account-1", key=KEY, expires_at=NOON), "account-1", NOON),
        ("", "account-1", NOON),
        ("..", "account-1", NOON),
        ("é\ud800", "account-1", NOON),
    ],
)
def test_any_other_token_is_refused(token: str, account_id: str, at: datetime) -> None:
    with pytest.raises(SignatureWrong):
        verify_visitor_token(token, account_id=account_id, keys=(KEY, OLD_KEY), at=at)


def test_a_visitor_may_send_a_burst_and_then_a_little_each_second() -> None:
    allowance, waits = Allowance(), []
    for _ in range(21):
        allowance, wait = allowance.take(100.0)
        waits.append(wait)

    assert waits == [0.0] * 20 + [0.5]
    assert allowance.take(100.5)[1] == 0.0
    assert allowance.take(99.0)[1] == 0.5  # a clock that went back gives nothing


def test_a_widget_needs_a_long_key() -> None:
    settings = {"visitor_key": "k" * 32, "origins": "https://a.example https://b.example"}
    definition = AccountDefinition(channel="webchat", name="W", queue_id="q", settings=settings)

    assert webchat.read_settings(definition).origins == {"https://a.example", "https://b.example"}
    with pytest.raises(AccountInvalid, match="visitor_key"):
        webchat.read_settings(AccountDefinition(channel="webchat", name="W", queue_id="q"))
