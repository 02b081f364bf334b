"""Raw mail over HTTP: each mail is taken as one of its own sender, whatever its headers claim."""

from typing import Any

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.mail.situations import a_mailbox, stored
from tests.api.situations import Shop
from tests.channels.corpora import mails
from tests.waiting import wait_until

ANA, BOB = "Ana <ana@form.example>", "Bob <bob@form.example>"


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment, administrator: Caller) -> Shop:
    return a_mailbox(deployment, administrator)[0]


def bring(shop: Shop, raw: bytes) -> dict[str, Any]:
    """The answer of the door."""
    path, headers = f"/v1/accounts/{shop.account_id}/mail", {"Content-Type": "message/rfc822"}
    answered = shop.adapter.ask("POST", path, content=raw, headers=headers)
    assert answered.status_code == 201
    taken: dict[str, Any] = answered.json()
    return taken


def a_form(sender: str, text: str, *lines: str, number: int | str = "same") -> bytes:
    """What a form on a page mails."""
    head = [
        *lines,
        f"From: {sender}",
        f"Message-ID: <{number}@form>",
        "Subject: Form",
        "Date: Sat, 21 Nov 2026 12:00:00",
    ]
    return "\r\n".join([*head, "", text]).encode()


def test_two_senders_whose_mails_bear_one_id_are_two_customers(mailbox: Shop, supervisor: Caller) -> None:
    ana = bring(mailbox, a_form(ANA, "Where is my parcel?"))
    supervisor.done(f"/v1/customers/{ana['customer_id']}/conversations/{ana['conversation_id']}/close")

    bob, again = (bring(mailbox, a_form(BOB, "Where is my refund?")) for _ in range(2))
    same_words = bring(mailbox, a_form("Eve <eve@form.example>", "Where is my parcel?"))

    card = supervisor.shown(f"/v1/conversations/{bob['conversation_id']}", params={"min_position": bob["position"]})
    assert (card["customer_id"], card["conversation"]["status"]) == (bob["customer_id"], "waiting")
    assert bob == again
    assert len({one["customer_id"] for one in (ana, bob, same_words)}) == 3
    assert "is_contradiction" not in bob


def test_another_mail_of_one_sender_with_the_same_id_is_shown_and_waits_again(
    mailbox: Shop, supervisor: Caller
) -> None:
    first = bring(mailbox, a_form(ANA, "One", number="own"))
    path = f"/v1/customers/{first['customer_id']}/conversations/{first['conversation_id']}"
    supervisor.done(f"{path}/close")

    second, again = (bring(mailbox, a_form(ANA, "Two", number="own")) for _ in range(2))
    page = supervisor.shown(
        f"/v1/customers/{first['customer_id']}/timeline", params={"min_position": second["position"]}
    )
    card = supervisor.shown(
        f"/v1/conversations/{second['conversation_id']}", params={"min_position": second["position"]}
    )

    texts = [one["event"]["content"]["text"] for one in page["items"] if one["kind"] == "conversation.message_received"]
    assert texts[:2] == ["Two", "One"]
    assert second == again != first
    assert card["conversation"]["status"] == "waiting"
    apart = supervisor.done(f"{path}/messages/{second['message_id']}/move", {})
    assert apart["conversation_id"] != first["conversation_id"]


def test_the_same_mail_by_another_way_is_the_same_mail(mailbox: Shop) -> None:
    direct = bring(mailbox, a_form(ANA, "Grüße\r\n", "Content-Type: text/plain; charset=utf-8", number="ways"))

    trace = ("Received: by mx", "Return-Path: <x@y>", "Delivered-To: help@shop.example", "X-Spam-Score: 3", "X-Own: 1")
    encoded = ("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable")
    relayed = bring(mailbox, a_form(ANA, "Gr=C3=BC=C3=9Fe\r\n\r\n", *trace, *encoded, number="ways"))

    assert relayed == direct


def test_real_mails_of_one_id_and_two_senders_are_both_kept(deployment: Deployment, mailbox: Shop) -> None:
    first, second = (
        bring(mailbox, mails()[name]) for name in ("attachments_without_filename.eml", "only_attachments.eml")
    )

    ids = (first["message_id"], second["message_id"])
    kept = [one for one in stored(deployment, mailbox.account_id) if one.message_id in ids]
    assert first["customer_id"] != second["customer_id"]
    assert len({one.provider_id for one in kept}) == 1
    assert len({one.handle for one in kept}) == 2


@pytest.mark.parametrize("sender", ["From:", "X-Nothing: 1", 'From: "Eve" <>', "Return-Path: <>"])
def test_mails_without_a_sender_share_no_customer(
    deployment: Deployment, administrator: Caller, mailbox: Shop, sender: str
) -> None:
    other, _ = a_mailbox(deployment, administrator)
    raws = [f"{sender}\r\nMessage-ID: <{number}.{sender}>\r\n\r\nNumber {number}".encode() for number in (1, 2)]

    first, second, again, elsewhere = (
        bring(shop, raw) for shop, raw in zip((mailbox, mailbox, mailbox, other), (*raws, *raws), strict=True)
    )

    assert again == first
    assert len({one["customer_id"] for one in (first, second, elsewhere)}) == 3
    assert len({one["conversation_id"] for one in (first, second, elsewhere)}) == 3


def test_mails_of_one_form_are_of_those_who_filled_it_in(deployment: Deployment, mailbox: Shop) -> None:
    carla, otto = (
        bring(mailbox, a_form("noreply@forms.example", "Hi", f"Reply-To: {name}@example.org", number=name))
        for name in ("carla", "otto")
    )

    kept = {one.message_id: one for one in stored(deployment, mailbox.account_id)}
    assert carla["customer_id"] != otto["customer_id"]
    assert (kept[carla["message_id"]].handle, kept[carla["message_id"]].claimed) == (
        "carla@example.org",
        "noreply@forms.example",
    )


def test_an_address_in_other_capitals_is_the_same_customers(mailbox: Shop) -> None:
    written, plain = (
        bring(mailbox, a_form(sender, "Hi", number=sender)) for sender in ("Cap.Ital@d.example", "cap.ital@D.EXAMPLE")
    )

    assert written["customer_id"] == plain["customer_id"]


def in_parts(count: int, disposition: str, last: str) -> bytes:
    parts = [f"Content-Disposition: {disposition}\r\n\r\nNumber {number}" for number in range(count)]
    body = "".join(f"--b\r\n{part}\r\n" for part in [*parts, f"\r\n{last}"])
    return a_form(
        f"{count}@form.example",
        f"{body}--b--",
        "Content-Type: multipart/mixed; boundary=b",
        number=f"{count} {disposition}",
    )


@pytest.mark.parametrize(
    "raw",
    [
        a_form(ANA, "\r\n".join(f"Line {number:010}" for number in range(20_000)), number="long"),
        in_parts(250, "attachment; filename=x.txt", "The end"),
        in_parts(600, "inline", "The end"),
    ],
    ids=["long", "files", "parts"],
)
def test_a_mail_that_limits_cut_says_so_and_all_of_it_can_be_downloaded(
    mailbox: Shop, supervisor: Caller, raw: bytes
) -> None:
    taken = bring(mailbox, raw)
    customer, wanted = f"/v1/customers/{taken['customer_id']}", {"min_position": taken["position"]}

    page = supervisor.shown(f"{customer}/timeline", params={**wanted, "limit": 200})

    (entry,) = (one for one in page["items"] if one["position"] == taken["position"])
    content = entry["event"]["content"]
    whole = content["attachments"][-1]
    path = f"{customer}/media/{whole['reference'].removeprefix('media:')}"
    wait_until(lambda: supervisor.get(path).is_success, what="the whole mail is told of")
    assert (content["is_cut"], whole["name"], whole["content_type"]) == (True, "whole-mail.eml", "message/rfc822")
    assert supervisor.get(path).content == raw


def test_a_mail_that_is_read_as_a_whole_is_kept_once(mailbox: Shop, supervisor: Caller) -> None:
    taken = bring(mailbox, a_form("short@form.example", "Short", number="short"))

    page = supervisor.shown(
        f"/v1/customers/{taken['customer_id']}/timeline", params={"min_position": taken["position"]}
    )

    (entry,) = (one for one in page["items"] if one["position"] == taken["position"])
    assert entry["event"]["content"] == {"text": "Short"}
