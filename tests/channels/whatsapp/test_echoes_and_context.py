"""WhatsApp: what staff wrote in the phone app, and what a message carries beside its words."""

import json
from typing import Any

import pytest

from channels import whatsapp
from domain.intake import DeliveryReport, Echo
from domain.interaction import Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from tests.channels.posted import an_account, posted

ACCOUNT = an_account("whatsapp", "1122334455667", app_secret="s", verify_token="v")


def read(field: str, **value: Any) -> Any:
    whole = {"metadata": {"phone_number_id": "1122334455667", "display_phone_number": "972123456789"}} | value
    raw = json.dumps({"entry": [{"changes": [{"field": field, "value": whole}]}]}).encode()
    return whatsapp.parse(ACCOUNT, posted(raw))


def a_text(**more: Any) -> dict[str, Any]:
    return {"from": "972987654321", "id": "wamid.X", "timestamp": "5", "type": "text", "text": {"body": "Hi"}} | more


@pytest.mark.parametrize(
    ("changes", "kind", "content"),
    [
        ({"type": "text", "text": {"body": "Hello"}}, "message", Content(text="Hello")),
        (
            {"type": "revoke", "revoke": {"original_message_id": "wamid.Y"}},
            "unsend",
            Content(kind=ContentKind.UNSEND, about="wamid.Y"),
        ),
        (
            {
                "type": "edit",
                "edit": {"original_message_id": "wamid.Y", "message": {"type": "text", "text": {"body": "H"}}},
            },
            "edit",
            Content(kind=ContentKind.EDIT, text="H", about="wamid.Y"),
        ),
    ],
)
def test_what_staff_wrote_in_the_phone_app_is_an_echo(changes: dict[str, Any], kind: str, content: Content) -> None:
    echo = {"from": "972123456789", "to": "972987654321", "to_user_id": "US.1", "id": "wamid.E", "timestamp": "5"}

    delivery = read("smb_message_echoes", message_echoes=[echo | changes])

    ((address, found),) = delivery.echoes
    assert address == "1122334455667"
    assert found == Echo(
        provider_id="wamid.E",
        handle="US.1",
        other_handles=("+972987654321",),
        content=content,
        occurred_at=found.occurred_at,
        kind=kind,
    )
    assert (delivery.messages, delivery.ignored) == ([], [])


@pytest.mark.parametrize(
    ("more", "content"),
    [
        (
            {"referral": {"source_type": "ad", "source_id": "120208", "headline": "Winter sale"}},
            Content(text="Hi", referral='ad 120208 "Winter sale"'),
        ),
        ({"context": {"forwarded": True}}, Content(text="Hi", is_forwarded=True)),
        ({"context": {"frequently_forwarded": True}}, Content(text="Hi", is_forwarded=True)),
        (
            {"context": {"id": "wamid.Y", "referred_product": {"catalog_id": "19", "product_retailer_id": "SODA"}}},
            Content(text="Hi\nAbout SODA of catalogue 19", about="wamid.Y"),
        ),
    ],
)
def test_what_led_here_what_was_forwarded_and_which_product_are_kept(more: dict[str, Any], content: Content) -> None:
    ((_, message),) = read("messages", messages=[a_text(**more)]).messages

    assert message.content == content


def test_a_failed_status_says_why() -> None:
    errors = [{"code": 131047, "title": "Re-engagement message"}]

    ((_, report),) = read(
        "messages", statuses=[{"id": "wamid.S", "status": "failed", "timestamp": "5", "errors": errors}]
    ).reports

    assert report == DeliveryReport(
        provider_id="wamid.S",
        status=DeliveryStatus.FAILED,
        reason="131047 Re-engagement message",
        occurred_at=report.occurred_at,
    )


def test_what_another_app_answers_while_we_stand_by_is_read_as_well() -> None:
    status = {"id": "wamid.S", "status": "delivered", "timestamp": "5"}

    delivery = read("standby", messages=[a_text()], statuses=[status])

    assert [one.content.text for _, one in delivery.messages] == ["Hi"]
    assert [one.status for _, one in delivery.reports] == [DeliveryStatus.DELIVERED]


def test_a_call_status_is_no_news_of_a_message() -> None:
    delivery = read("calls", statuses=[{"id": "wacid.C", "status": "delivered", "timestamp": "5"}])

    assert (delivery.reports, delivery.ignored) == ([], ["calls:delivered"])
