"""Providers deliver again, and some send the same id with other content: nothing is doubled, nothing is lost."""

from tests.api.deployment import Caller, Deployment
from tests.api.situations import a_shop
from tests.scenarios.screens import a_desk
from tests.scenarios.situations import (
    a_mail,
    a_number,
    kinds,
    mail_settings,
    publishes,
    timeline,
    whatsapp_settings,
    writes_a_mail,
    writes_on_whatsapp,
)


def test_a_delivery_that_comes_twice_is_one_message_on_the_screen(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator, "whatsapp", **whatsapp_settings())
    number = a_number()

    with a_desk(shop) as desk:
        writes_on_whatsapp(shop, number, "Hello?", "wamid.once")
        writes_on_whatsapp(shop, number, "Hello?", "wamid.once")
        writes_on_whatsapp(shop, number, "Anybody there?")
        card = desk.sees("offered", preview="Anybody there?")

    assert card["messages"] == 2
    assert kinds(timeline(supervisor, card["customer_id"], desk.seen[desk.inbox])).count("message_received") == 2


def test_the_same_id_with_other_content_is_kept_and_the_agent_is_told(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator, "whatsapp", **whatsapp_settings())
    number = a_number()

    with a_desk(shop) as desk:
        writes_on_whatsapp(shop, number, "Send it to Berlin", "wamid.twice")
        card = desk.accepts(desk.sees("offered"))
        writes_on_whatsapp(shop, number, "Send it to Bremen", "wamid.twice")
        desk.until(lambda: bool(desk.sees("assigned", card["id"]).get("alert")), "the card says so")

    entries = timeline(supervisor, card["customer_id"], desk.seen[desk.inbox])
    said = [(entry["kind"], entry["event"]["content"]["text"]) for entry in entries if "content" in entry["event"]]
    assert said == [
        ("conversation.message_received", "Send it to Berlin"),
        ("conversation.message_contradicted", "Send it to Bremen"),
    ]


def test_the_same_message_through_two_doors_is_one(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator)

    with a_desk(shop) as desk:
        taken = shop.bring("ana", "Once", message_id="m-1")
        publishes(shop, "ana", "Once", message_id="m-1")
        publishes(shop, "ana", "Twice", message_id="m-2")
        desk.sees("offered", taken["conversation_id"], preview="Twice")

    entries = timeline(supervisor, taken["customer_id"], desk.seen[desk.inbox])
    assert [entry["event"]["content"]["text"] for entry in entries if "content" in entry["event"]] == ["Once", "Twice"]


def test_a_mail_that_is_handed_over_twice_gets_the_same_answer(deployment: Deployment, administrator: Caller) -> None:
    mailbox = a_shop(deployment, administrator, "email", **mail_settings(25))
    mail = a_mail(mailbox, "twice@mail.example", "Where is it?")

    first, again = writes_a_mail(mailbox, mail), writes_a_mail(mailbox, mail)

    assert again == first
