"""The main job: somebody gets in touch on any channel, the right screen lights up, and the answer gets there."""

import secrets

from tests.api.deployment import Caller, Deployment
from tests.api.situations import a_shop
from tests.scenarios.screens import Desk, a_desk, a_visitor
from tests.scenarios.situations import (
    a_chat,
    a_mail,
    a_mail_sink,
    a_number,
    another_account,
    calls,
    kinds,
    mail_settings,
    publishes,
    timeline,
    whatsapp_settings,
    writes_a_mail,
    writes_on_whatsapp,
)


def closes(desk: Desk, conversation_id: str, status: str = "assigned") -> int:
    """The agent is done with it. Returns the position."""
    card = desk.sees(status, conversation_id)
    position: int = desk.does(card, "close", {"disposition": "answered"})["position"]
    desk.loses(conversation_id)
    return position


def test_a_whatsapp_message_is_offered_taken_and_closed(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator, "whatsapp", **whatsapp_settings())

    with a_desk(shop) as desk:
        writes_on_whatsapp(shop, a_number(), "Where is my parcel?")
        card = desk.accepts(desk.sees("offered"))
        desk.does(card, "note", {"text": "Called back: it comes tomorrow"})
        position = closes(desk, card["id"])

    assert (card["preview"], card["customer_name"]) == ("Where is my parcel?", "Ana")
    told = kinds(timeline(supervisor, card["customer_id"], position))
    assert told == [
        "registered",
        "identity_linked",
        "opened",
        "message_received",
        "enqueued",
        "offered",
        "offer_accepted",
        "note_written",
        "closed",
    ]


def test_a_visitor_is_answered_on_the_page(deployment: Deployment, administrator: Caller) -> None:
    chat = a_chat(deployment, administrator)

    with a_desk(chat) as desk, a_visitor(chat) as visitor:
        stored = visitor.says("Where is my parcel?")
        card = desk.accepts(desk.sees("offered"))
        desk.does(card, "reply", {"text": "It comes tomorrow."})
        reply = visitor.hears("reply")
        closes(desk, card["id"])

    assert card["preview"] == "Where is my parcel?"
    assert reply["text"] == "It comes tomorrow."
    assert reply["position"] > stored["position"]


def test_a_mail_is_answered_by_mail_and_the_answer_to_that_comes_home(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    with a_mail_sink(deployment) as (sink, port):
        mailbox = a_shop(deployment, administrator, "email", **mail_settings(port))
        sender = f"ana-{secrets.token_hex(4)}@mail.example"
        first = a_mail(mailbox, sender, "Where is my parcel?", subject="Parcel 42")
        with a_desk(mailbox) as desk:
            writes_a_mail(mailbox, first)
            card = desk.accepts(desk.sees("offered"))
            desk.does(card, "reply", {"text": "It comes tomorrow."})
            sent = sink.received()
            answer = a_mail(
                mailbox,
                sender,
                "Thank you!",
                to=str(sent["Reply-To"]),
                subject=str(sent["Subject"]),
                In_Reply_To=str(sent["Message-ID"]),
            )
            came_home = writes_a_mail(mailbox, answer)
            desk.sees("assigned", card["id"], preview="Thank you!")
            position = closes(desk, card["id"])

    assert str(sent["In-Reply-To"]) == str(first["Message-ID"])
    assert (sent["To"], sent["Subject"]) == (sender, "Re: Parcel 42")
    plain = sent.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().strip() == "It comes tomorrow."
    assert came_home["conversation_id"] == card["id"]
    entries = timeline(supervisor, card["customer_id"], position)
    assert kinds(entries).count("opened") == 1
    (reply,) = [entry for entry in entries if "delivery" in entry["kind"] or "reply" in entry["kind"]]
    assert (reply["event"]["text"], reply["delivery"]["status"]) == ("It comes tomorrow.", "accepted")


def test_a_message_from_another_system_comes_in_through_nats(deployment: Deployment, administrator: Caller) -> None:
    shop = a_shop(deployment, administrator)

    with a_desk(shop) as desk:
        publishes(shop, "ana", "Do you ship to Iceland?")
        card = desk.accepts(desk.sees("offered"))
        closes(desk, card["id"])

    assert card["preview"] == "Do you ship to Iceland?"
    assert card["conversation"]["channel"] == "adapter"


def test_a_missed_call_becomes_work_and_is_called_back(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    phone = a_shop(deployment, administrator, "phone", default_region="DE")
    number = a_number()

    with a_desk(phone) as desk:
        missed = calls(phone, number, "missed")
        path = f"/v1/customers/{missed['customer_id']}/conversations/{missed['conversation_id']}"
        supervisor.done(f"{path}/enqueue")
        card = desk.accepts(desk.sees("offered"))
        back = {"call_id": "back-1", "number": number, "direction": "outbound", "note": "It comes tomorrow"}
        more = {"customer_id": card["customer_id"], "conversation_id": card["id"], "duration_seconds": 60}
        desk.agent.done(f"/v1/phone/{phone.account_id}/calls", back | more)
        position = closes(desk, card["id"])

    entries = timeline(supervisor, missed["customer_id"], position)
    logged = [entry["event"] for entry in entries if entry["kind"] == "conversation.call_logged"]
    assert [one["outcome"] for one in logged] == ["missed", "answered"]
    assert logged[1]["agent_id"] == desk.agent.agent_id


def test_whatever_channel_a_known_customer_uses_it_is_one_timeline(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    whatsapp = a_shop(deployment, administrator, "whatsapp", **whatsapp_settings())
    adapter, phone = another_account(whatsapp, "adapter"), another_account(whatsapp, "phone", default_region="DE")
    mailbox = another_account(whatsapp, "email", **mail_settings(25))
    number, sender = a_number(), f"li-na-{secrets.token_hex(4)}@mail.example"
    identities = [
        {"channel": "whatsapp", "handle": number},
        {"channel": "phone", "handle": number},
        {"channel": "email", "handle": sender},
        {"channel": "adapter", "handle": "lina", "account_id": adapter.account_id},
    ]
    customer_id = supervisor.done("/v1/customers", {"name": "李娜", "identities": identities})["customer_id"]

    writes_on_whatsapp(whatsapp, number, "on whatsapp")
    mailed = writes_a_mail(mailbox, a_mail(mailbox, sender, "by mail"))
    called = calls(phone, number)
    taken = adapter.bring("lina", "elsewhere")

    assert {mailed["customer_id"], called["customer_id"], taken["customer_id"]} == {customer_id}
    entries = timeline(supervisor, customer_id, taken["position"])
    channels = [entry["event"]["channel"] for entry in entries if entry["kind"] == "conversation.opened"]
    texts = [entry["event"]["content"]["text"].strip() for entry in entries if "content" in entry["event"]]
    assert channels == ["whatsapp", "email", "phone", "adapter"]
    assert texts == ["on whatsapp", "by mail", "elsewhere"]


def test_a_visitor_who_turns_out_to_be_known_joins_their_timeline_when_they_are_registered(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    chat = a_chat(deployment, administrator)
    with a_visitor(chat) as visitor:
        identities = [{"channel": "webchat", "handle": visitor.id, "account_id": chat.account_id}]
        known = supervisor.done("/v1/customers", {"name": "Ana", "identities": identities})

        stored = visitor.says("It is me again")

    entries = timeline(supervisor, known["customer_id"], stored["position"])
    assert [entry["event"]["content"]["text"] for entry in entries if "content" in entry["event"]] == ["It is me again"]
