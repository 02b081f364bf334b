"""What was said is edited, reacted to and taken back, replies are read: the screen shows what it came to."""

import random
import secrets
from datetime import timedelta
from typing import Any

import pytest

from application.commands import Command
from domain.intake import DeliveryReport
from domain.outbound.delivery import DeliveryStatus
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop
from tests.scenarios.screens import a_desk, a_screen
from tests.scenarios.situations import (
    STARTED,
    a_mail,
    a_mail_sink,
    kinds,
    mail_settings,
    timeline,
    writes_a_mail,
)

Said = dict[str, Any]


def what_ana_says() -> list[Said]:
    """Two messages; the first is edited twice and reacted to, the second is taken back."""

    def said(number: int, **message: Any) -> Said:
        at = STARTED + timedelta(seconds=number)
        return {"message_id": f"m-{number}", "occurred_at": at.isoformat(), **message}

    return [
        said(1, text="Send it to Berlin"),
        said(2, content={"kind": "edit", "text": "Send it to Bremen", "about": "m-1"}),
        said(3, text="My PIN is 1234"),
        said(4, content={"kind": "edit", "text": "Send it to Bonn", "about": "m-1"}),
        said(5, content={"kind": "reaction", "text": "👍", "about": "m-1"}),
        said(6, content={"kind": "unsend", "about": "m-3"}),
        said(7, content={"kind": "reaction", "text": "🎉", "about": "m-1"}),
    ]


def bring(shop: Shop, handle: str, said: list[Said]) -> dict[str, Any]:
    """The adapter brings each in turn; the answer to the last."""
    path = f"/v1/accounts/{shop.account_id}/messages"
    return [shop.adapter.done(path, {"account": shop.account_id, "handle": handle, **one}) for one in said][-1]


def lines(entries: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What a page shows of what was said, in the order in which it was said."""
    said = sorted((one for one in entries if "content" in one["event"]), key=lambda one: one["occurred_at"])
    return [
        (
            one["event"]["content"].get("text", ""),
            "edited_at" in one,
            "unsent_at" in one,
            [reaction["emoji"] for reaction in one.get("reactions", ())],
        )
        for one in said
    ]


WHAT_IT_CAME_TO = [("Send it to Bonn", True, False, ["🎉"]), ("", False, True, [])]


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_in_whatever_order_it_comes_the_page_shows_what_it_came_to(
    deployment: Deployment, administrator: Caller, supervisor: Caller, seed: int | None
) -> None:
    shop, told = a_shop(deployment, administrator), what_ana_says()
    if seed is not None:
        told += told[:4]
        random.Random(seed).shuffle(told)

    with a_desk(shop) as desk:
        taken = bring(shop, "ana", told)
        card_id = desk.sees("offered", messages=2)["id"]
        desk.until(lambda: "m-3" in desk.sees("offered", card_id).get("amended", {}), "the card learns of the unsend")
        card = desk.sees("offered", card_id)

    entries = timeline(supervisor, taken["customer_id"], taken["position"])
    assert lines(entries) == WHAT_IT_CAME_TO
    assert kinds(entries).count("enqueued") == 1
    assert "1234" not in str(entries) + str(card)


def test_a_reaction_to_what_is_done_calls_nobody_back(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop, told = a_shop(deployment, administrator), what_ana_says()

    with a_desk(shop) as desk:
        bring(shop, "ana", told[:4])
        card = desk.accepts(desk.sees("offered"))
        desk.does(card, "close", {"disposition": "answered"})
        desk.loses(card["id"])
        taken = bring(shop, "ana", told[4:])

    entries = timeline(supervisor, taken["customer_id"], taken["position"])
    assert lines(entries) == WHAT_IT_CAME_TO
    assert (kinds(entries).count("opened"), kinds(entries).count("reopened")) == (1, 0)


def test_a_reply_moves_up_live_whatever_order_the_channel_tells_it_in(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    with a_mail_sink(deployment) as (sink, port):
        mailbox = a_shop(deployment, administrator, "email", **mail_settings(port))
        sender = f"ana-{secrets.token_hex(4)}@mail.example"
        with a_desk(mailbox) as desk, a_screen(deployment, supervisor) as screen:
            writes_a_mail(mailbox, a_mail(mailbox, sender, "Where is my parcel?"))
            card = desk.accepts(desk.sees("offered"))
            watch = f"timeline:{card['customer_id']}"
            screen.watch(watch)

            def replies(status: str) -> list[dict[str, Any]]:
                rows = screen.rows.get(watch, {}).values()
                return [row for row in rows if row.get("delivery", {}).get("status") == status]

            desk.does(card, "reply", {"text": "It comes tomorrow."})
            sink.received()
            screen.until(lambda: bool(replies("accepted")), "the reply is accepted")
            (reply,) = replies("accepted")
            reports(mailbox, reply["event"]["message_id"], DeliveryStatus.DELIVERED, DeliveryStatus.SENT)
            screen.until(lambda: bool(replies("delivered")), "the reply is delivered")
            reports(mailbox, reply["event"]["message_id"], *(DeliveryStatus.READ, DeliveryStatus.DELIVERED) * 2)
            screen.until(lambda: bool(replies("read")), "the reply is read")

    assert (reply["event"]["text"], reply["kind"]) == ("It comes tomorrow.", "conversation.reply_written")
    entries = timeline(supervisor, card["customer_id"], screen.seen[watch])
    assert [one["delivery"]["status"] for one in entries if "delivery" in one] == ["read"]
    assert not [kind for kind in kinds(entries) if kind.startswith("delivery")]


def reports(shop: Shop, message_id: str, *statuses: DeliveryStatus) -> None:
    """The channel tells these, one after the other, of the reply that it knows by our id."""
    parts, at = shop.deployment.parts, shop.deployment.parts.clock()
    told = [DeliveryReport(status=status, occurred_at=at, callback=message_id) for status in statuses]
    command = Command(actor=shop.account_id, at=at)
    left = shop.deployment.run(parts.reports.receive(shop.account_id, told, command))
    assert left == []
