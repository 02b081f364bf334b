"""WhatsApp: who sent it, what it says, and that nothing of a delivery is dropped."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from channels import whatsapp
from channels.edge.payload import UnreadablePayload
from domain.intake import DeliveryReport, InboundMessage
from domain.interaction import Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from tests.channels.posted import NOON, an_account, posted

ACCOUNT = an_account("whatsapp", "1122334455667", app_secret="s", verify_token="v")


def a_text_message(**changes: Any) -> dict[str, Any]:
    message = {
        "from": "972987654321",
        "id": "wamid.X",
        "timestamp": "1697043223",
        "type": "text",
        "text": {"body": "Hi"},
    }
    return message | changes


def a_delivery(*messages: Any, **value: Any) -> bytes:
    contacts = [{"profile": {"name": "Ana"}, "wa_id": "972987654321", "user_id": "US.1349"}]
    whole = {"metadata": {"phone_number_id": "1122334455667"}, "contacts": contacts, "messages": messages} | value
    changes = [{"field": "messages", "value": whole}]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode()


def only_message(raw: bytes) -> InboundMessage:
    ((address, message),) = whatsapp.parse(ACCOUNT, posted(raw)).messages
    assert address == "1122334455667"
    return message


def test_a_text_message_says_who_when_and_what() -> None:
    raw = a_delivery(a_text_message(context={"id": "wamid.Y"}))

    message = only_message(raw)

    assert message == InboundMessage(
        provider_id="wamid.X",
        handle="US.1349",
        other_handles=("+972987654321",),
        content=Content(text="Hi", about="wamid.Y"),
        occurred_at=datetime(2023, 10, 11, 16, 53, 43, tzinfo=UTC),
        author="Ana",
    )


def test_every_level_of_a_batch_is_read() -> None:
    first = json.loads(a_delivery(a_text_message(id="1"), a_text_message(id="2"), errors=[{"code": 1, "title": "E"}]))
    second = json.loads(a_delivery(a_text_message(id="3"), statuses=[{"id": "w", "status": "read", "timestamp": "5"}]))
    first["entry"][0]["changes"] += second["entry"][0]["changes"]
    first["entry"] += json.loads(a_delivery(a_text_message(id="4")))["entry"]

    delivery = whatsapp.parse(ACCOUNT, posted(json.dumps(first).encode()))

    assert [message.provider_id for _, message in delivery.messages] == ["1", "2", "3", "4"]
    read = DeliveryReport(
        provider_id="w", status=DeliveryStatus.READ, occurred_at=datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
    )
    assert delivery.reports == [("1122334455667", read)]
    assert delivery.ignored == ["error:1 E"]


def test_news_of_the_account_itself_stands_apart_from_what_is_ignored() -> None:
    payload = json.loads(a_delivery(errors=[{"code": 130_429, "title": "Rate limit"}]))
    update = {"field": "account_update", "value": {"event": "DISABLED_UPDATE"}}
    call = {"field": "calls", "value": {"calls": [{"id": "wacid.1", "event": "connect"}]}}
    payload["entry"][0]["changes"] += [update, call]

    delivery = whatsapp.parse(ACCOUNT, posted(json.dumps(payload).encode()))

    assert delivery.ignored == ["error:130429 Rate limit", "account_update:DISABLED_UPDATE", "calls:connect"]
    assert delivery.notices == [
        ("1122334455667", "error:130429 Rate limit"),
        ("", "account_update:DISABLED_UPDATE"),
    ]


@pytest.mark.parametrize(
    ("changes", "kind", "content"),
    [
        (
            {"type": "reaction", "reaction": {"message_id": "wamid.Y", "emoji": "😮"}},
            "reaction",
            Content(kind=ContentKind.REACTION, text="😮", about="wamid.Y"),
        ),
        (
            {"type": "reaction", "reaction": {"message_id": "wamid.Y"}},
            "reaction_removal",
            Content(kind=ContentKind.REACTION, about="wamid.Y"),
        ),
        (
            {"type": "edit", "edit": {"original_message_id": "wamid.Y", "message": a_text_message()}},
            "edit",
            Content(kind=ContentKind.EDIT, text="Hi", about="wamid.Y"),
        ),
        (
            {"type": "revoke", "revoke": {"original_message_id": "wamid.Y"}},
            "unsend",
            Content(kind=ContentKind.UNSEND, about="wamid.Y"),
        ),
        (
            {"type": "hologram", "hologram": {"id": "7"}},
            "message",
            Content(kind=ContentKind.UNSUPPORTED, text="This kind of WhatsApp message cannot be shown: hologram"),
        ),
        (
            {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "[1]"}}},
            "message",
            Content(kind=ContentKind.CHOICE, text="[1]"),
        ),
    ],
)
def test_the_claim_kind_says_what_the_id_counts(changes: dict[str, Any], kind: str, content: Content) -> None:
    raw = a_delivery(a_text_message(**changes))

    message = only_message(raw)

    assert (message.kind, message.content) == (kind, content)


@pytest.mark.parametrize(
    "timestamp",
    ["-62135596800", "-1", "999999999999999", "1e400", "nan", "?", "", None, [], 253402300800, "1" * 5000],
)
def test_an_absurd_time_is_replaced_by_when_it_came(timestamp: Any) -> None:
    assert only_message(a_delivery(a_text_message(timestamp=timestamp))).occurred_at == NOON


def test_nul_and_lone_surrogates_are_cut_out() -> None:
    raw = a_delivery(a_text_message(text={"body": "a\x00b\ud800c😀"}))

    assert only_message(raw).content.text == "abc😀"


def test_a_message_without_id_is_known_by_its_content() -> None:
    one, other = a_text_message(id=""), a_text_message(id="", text={"body": "Ho"})

    ids = [only_message(a_delivery(message)).provider_id for message in (one, one, other)]

    assert ids[0] == ids[1] != ids[2]
    assert ids[0].startswith("sha256:")


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"entry": 1}', b"null", b"[]"])
def test_what_is_no_delivery_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        whatsapp.parse(ACCOUNT, posted(raw))


def test_broken_utf_8_inside_a_text_is_replaced_and_the_message_kept() -> None:
    raw = a_delivery(a_text_message()).replace(b"Hi", b"H\xffi")

    assert only_message(raw).content.text == "H\ufffdi"
