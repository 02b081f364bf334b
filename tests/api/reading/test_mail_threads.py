"""Mails that came in through the door join the conversation of what they answer, and say by which rule."""

from typing import Any

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"token_key": "a key of at least thirty-two characters"}
    return a_shop(deployment, administrator, channel="email", address="threads@shop.example", settings=settings)


def bring(shop: Shop, number: int, subject: str, *lines: str) -> dict[str, Any]:
    head = ["From: Ana <ana.threads@example.org>", f"Message-ID: <{number}.threads@example.org>", f"Subject: {subject}"]
    raw = "\r\n".join([*head, *lines, "", f"Number {number}"]).encode()
    headers = {"Content-Type": "message/rfc822"}
    taken: dict[str, Any] = shop.adapter.ask(
        "POST", f"/v1/accounts/{shop.account_id}/mail", content=raw, headers=headers
    ).json()
    return taken


def test_a_mail_joins_what_it_answers_and_the_timeline_says_by_which_rule(mailbox: Shop, supervisor: Caller) -> None:
    first = bring(mailbox, 1, "Your order 4711")
    second = bring(mailbox, 2, "Re: Your order 4711", "In-Reply-To: <1.threads@example.org>")
    third = bring(mailbox, 3, "AW: whatever", "In-Reply-To: <2.threads@example.org>")
    fourth = bring(mailbox, 4, "AW: Your order 4711")
    stranger = bring(mailbox, 5, "Re: Your order 4712", "In-Reply-To: <nobody.knows@example.org>")

    path = f"/v1/customers/{first['customer_id']}/timeline"
    page = supervisor.shown(path, params={"min_position": stranger["position"]})

    assert {one["conversation_id"] for one in (second, third, fourth)} == {first["conversation_id"]}
    assert stranger["conversation_id"] != first["conversation_id"]
    rules = [one["event"]["joined_by"] for one in page["items"] if one["kind"] == "conversation.message_received"]
    assert sorted(rules) == ["in_reply_to", "new", "stored_id", "stored_id", "subject"]


def test_a_mail_that_comes_late_shows_that_two_conversations_are_one(mailbox: Shop, supervisor: Caller) -> None:
    third = bring(mailbox, 13, "Re: Trousers", "In-Reply-To: <12.threads@example.org>")
    first = bring(mailbox, 11, "Trousers")
    second = bring(mailbox, 12, "Re: Trousers", "In-Reply-To: <11.threads@example.org>")

    params = {"min_position": second["position"]}
    page = supervisor.shown(f"/v1/customers/{first['customer_id']}/timeline", params=params)
    card = supervisor.shown(f"/v1/conversations/{first['conversation_id']}", params=params)
    emptied = supervisor.shown(f"/v1/conversations/{third['conversation_id']}", params=params)

    shown = {
        one["event"]["provider_id"].partition(".")[0]: (one["event"]["conversation_id"], one.get("moved_from", ""))
        for one in page["items"]
        if one["kind"] == "conversation.message_received"
    }
    assert {number: shown[number] for number in ("<11", "<12", "<13")} == {
        "<11": (first["conversation_id"], ""),
        "<12": (first["conversation_id"], ""),
        "<13": (first["conversation_id"], third["conversation_id"]),
    }
    assert (card["messages"], emptied.get("messages", 0), emptied["conversation"]["status"]) == (3, 0, "closed")


def test_what_no_person_wrote_says_so_on_the_timeline(mailbox: Shop, supervisor: Caller) -> None:
    brought = bring(mailbox, 21, "Out of office", "Auto-Submitted: auto-replied")
    person = bring(mailbox, 22, "I am back")

    page = supervisor.shown(
        f"/v1/customers/{brought['customer_id']}/timeline", params={"min_position": person["position"]}
    )

    natures = {one["position"]: one["event"].get("nature", "") for one in page["items"]}
    assert (natures[brought["position"]], natures[person["position"]]) == ("auto_reply", "")


def test_a_mail_is_taken_out_of_its_conversation_and_put_back(mailbox: Shop, supervisor: Caller) -> None:
    first = bring(mailbox, 31, "A coat")
    second = bring(mailbox, 32, "Re: A coat", "In-Reply-To: <31.threads@example.org>")
    customer = f"/v1/customers/{first['customer_id']}"

    def moved(conversation_id: str, **to: str) -> dict[str, Any]:
        path = f"{customer}/conversations/{conversation_id}/messages/{second['message_id']}/move"
        stands: dict[str, Any] = supervisor.done(path, to)
        return stands

    apart = moved(first["conversation_id"])
    card = supervisor.shown(f"/v1/conversations/{apart['conversation_id']}", params={"min_position": apart["position"]})
    third = bring(mailbox, 33, "Re: A coat", "In-Reply-To: <32.threads@example.org>")
    back = moved(apart["conversation_id"], to_conversation_id=first["conversation_id"])
    page = supervisor.shown(f"{customer}/timeline", params={"min_position": back["position"]})

    assert (card["subject"], card["messages"], card["preview"].strip()) == ("Re: A coat", 1, "Number 32")
    assert card["conversation"]["status"] == "waiting"
    assert third["conversation_id"] == apart["conversation_id"] != first["conversation_id"]
    assert back["conversation_id"] == first["conversation_id"]
    (entry,) = (one for one in page["items"] if one["position"] == second["position"])
    assert (entry["event"]["conversation_id"], entry.get("moved_from", "")) == (first["conversation_id"], "")
    moves = [one["kind"] for one in page["items"] if one["kind"].startswith("conversation.message_")]
    assert moves.count("conversation.message_left") >= 2
