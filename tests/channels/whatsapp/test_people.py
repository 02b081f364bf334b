"""Who a WhatsApp message is from: one customer, whichever of their addresses come with it."""

import json
from typing import Any

import pytest

from channels import whatsapp
from channels.social.whatsapp_people import changed_handles, recipient_handles, sender_handles, updated_handles
from domain.interaction import Content, ContentKind
from tests.channels.posted import an_account, posted

ACCOUNT = an_account("whatsapp", "1122334455667", app_secret="s", verify_token="v")
PHONE, USER, PARENT = "972987654321", "US.1349", "US.ENT.1181"


@pytest.mark.parametrize(
    ("sender", "contact", "handles"),
    [
        ({"from": PHONE}, {}, ("+972987654321",)),
        ({"from": PHONE}, {"wa_id": PHONE, "user_id": USER}, (USER, "+972987654321")),
        ({"from": USER, "from_user_id": USER}, {"wa_id": PHONE}, (USER, "+972987654321")),
        ({"from_user_id": USER}, {}, (USER,)),
        ({"from_parent_user_id": PARENT}, {"user_id": "US.2"}, ("US.2", PARENT)),
        ({"from": PHONE, "from_parent_user_id": PARENT, "from_user_id": USER}, {}, (USER, PARENT, "+972987654321")),
        ({"from": USER}, {}, (USER,)),
        ({}, {}, ("unknown",)),
    ],
)
def test_the_user_id_is_matched_first_then_the_parent_then_the_phone(
    sender: dict[str, str], contact: dict[str, str], handles: tuple[str, ...]
) -> None:
    assert sender_handles(sender, contact) == handles


def test_whoever_came_by_phone_then_by_both_then_by_user_id_is_one_customer() -> None:
    forms = [{"from": PHONE}, {"from": PHONE, "from_user_id": USER}, {"from_user_id": USER}]
    customers: dict[str, int] = {}

    found = []
    for number, form in enumerate(forms):
        handles = sender_handles(form, {})
        customer = next((customers[one] for one in handles if one in customers), number)
        customers |= dict.fromkeys(handles, customer)
        found.append(customer)

    assert found == [0, 0, 0]


def test_a_number_that_passed_on_leads_to_whom_the_user_id_says() -> None:
    customers = {"+972987654321": "the one who had the number before", USER: "the one who has it now"}

    handles = sender_handles({"from": PHONE, "from_user_id": USER}, {})

    assert next(customers[one] for one in handles if one in customers) == "the one who has it now"


@pytest.mark.parametrize(
    ("system", "handles"),
    [
        ({"wa_id": "972912345678"}, ("+972912345678", "+972987654321")),
        (
            {"wa_id": "972912345678", "user_id": "US.2", "previous_user_id": USER},
            ("US.2", USER, "+972912345678", "+972987654321"),
        ),
        ({"user_id": "US.2", "previous_user_id": USER}, ("US.2", USER, "+972987654321")),
    ],
)
def test_a_system_message_links_the_new_address_to_the_old(system: dict[str, str], handles: tuple[str, ...]) -> None:
    assert changed_handles({"from": PHONE, "system": system}, {}) == handles


def test_an_update_of_the_user_id_is_a_system_message_that_links_both() -> None:
    update = {"wa_id": PHONE, "detail": "New id", "user_id": {"previous": USER, "current": "US.2"}, "timestamp": "1"}
    raw = a_change("user_id_update", user_id_update=[update])

    ((_, message),) = whatsapp.parse(ACCOUNT, posted(raw)).messages

    assert message.content == Content(kind=ContentKind.SYSTEM, text="New id")
    assert (message.handle, message.other_handles) == ("US.2", (USER, "+972987654321"))
    assert updated_handles({}) == ("unknown",)


def test_an_echo_goes_to_the_customer_even_where_it_names_our_own_number_as_recipient() -> None:
    contact = {"wa_id": PHONE, "user_id": USER}

    assert recipient_handles({"from": PHONE, "to": "972123456789"}, {}, "972123456789") == ("+972987654321",)
    assert recipient_handles({"from": "972123456789", "to": PHONE}, {}, "972123456789") == ("+972987654321",)
    assert recipient_handles({"to": PHONE}, contact, "972123456789") == (USER, "+972987654321")


def test_a_contact_of_somebody_else_is_not_taken_for_the_sender() -> None:
    message = {"from": "15550001111", "id": "wamid.X", "type": "text", "text": {"body": "Hi"}}
    contact = {"wa_id": PHONE, "user_id": USER, "profile": {"name": "Ana"}}
    mine, hers = message, message | {"from": PHONE}
    raw = a_change("messages", messages=[mine, hers, {**message, "from": ""}], contacts=[contact])

    stranger, ana, unnamed = (one for _, one in whatsapp.parse(ACCOUNT, posted(raw)).messages)

    assert (stranger.handle, stranger.other_handles, stranger.author) == ("+15550001111", (), "")
    assert (ana.handle, ana.other_handles, ana.author) == (USER, ("+972987654321",), "Ana")
    assert (unnamed.handle, unnamed.author) == (USER, "Ana"), "it names nobody, so that the only contact is its sender"


def a_change(field: str, **value: Any) -> bytes:
    whole = {"metadata": {"phone_number_id": "1122334455667", "display_phone_number": "972123456789"}} | value
    return json.dumps({"entry": [{"changes": [{"field": field, "value": whole}]}]}).encode()
