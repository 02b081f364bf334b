"""The doors: messages come in through each, once, and what cannot be taken is told."""

import secrets
from typing import Any

import httpx
import pytest

from domain.person import Role
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop

NUMBER = "1122334455667"
SECRET = "the secret of the app"
MAIL = (
    "From: Ana <ana@example.org>\r\nTo: help@shop.example\r\nSubject: Parcel\r\n"
    "Message-ID: <1@example.org>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n\r\nWhere is it? 你好\r\n"
).encode()


@pytest.fixture(scope="module")
def whatsapp(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"app_secret": SECRET, "verify_token": "hello-meta"}
    return a_shop(deployment, administrator, channel="whatsapp", address=NUMBER, settings=settings)


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"token_key": "a key of at least thirty-two characters"}
    return a_shop(deployment, administrator, channel="email", address="help@shop.example", settings=settings)


def test_a_paused_account_takes_nothing_until_it_is_resumed(deployment: Deployment, administrator: Caller) -> None:
    shop = a_shop(deployment, administrator)
    message = {"account": shop.account_id, "message_id": "p-1", "handle": "ana", "text": "x"}
    path = f"/v1/accounts/{shop.account_id}/messages"

    deployment.known(administrator.done(f"/v1/accounts/{shop.account_id}/pause", {"reason": "moving"})["position"])
    paused = shop.adapter.post(path, message)
    deployment.known(administrator.done(f"/v1/accounts/{shop.account_id}/resume")["position"])

    assert (paused.status_code, paused.json()["type"]) == (409, "/problems/account-paused")
    assert shop.adapter.post(path, message).status_code == 201


def test_a_message_needs_no_key_and_honours_one(deployment: Deployment, administrator: Caller) -> None:
    shop = a_shop(deployment, administrator)
    path = f"/v1/accounts/{shop.account_id}/messages"
    message = {"account": shop.account_id, "message_id": "m-1", "handle": "ana", "text": "Hello"}

    first = shop.adapter.ask("POST", path, json=message)
    again = shop.adapter.ask("POST", path, json=message)
    keyed = shop.adapter.post(path, message | {"message_id": "m-2"}, key="same")
    reused = shop.adapter.post(path, message | {"message_id": "m-3"}, key="same")

    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert (keyed.status_code, reused.status_code) == (201, 422)


def test_the_same_id_with_other_content_is_kept_and_marked(deployment: Deployment, administrator: Caller) -> None:
    shop = a_shop(deployment, administrator)
    first = shop.bring("ana", "Hello", message_id="m-1")

    other = shop.bring("ana", "Goodbye", message_id="m-1")
    again = shop.bring("ana", "Goodbye", message_id="m-1")

    assert other["is_contradiction"] is True
    assert other["position"] > first["position"]
    assert again == other


def test_a_batch_has_a_receipt_for_each_message(deployment: Deployment, administrator: Caller) -> None:
    shop = a_shop(deployment, administrator)
    messages = [
        {"account": shop.account_id, "message_id": f"b-{number}", "handle": f"h-{number % 7}", "text": "x"}
        for number in range(100)
    ]
    path = f"/v1/accounts/{shop.account_id}/messages/batch"

    first = shop.adapter.ask("POST", path, json={"messages": messages})
    again = shop.adapter.ask("POST", path, json={"messages": messages})
    too_many = shop.adapter.ask("POST", path, json={"messages": messages * 6})

    assert first.status_code == 201
    assert len({one["position"] for one in first.json()["messages"]}) == 100
    assert len({one["customer_id"] for one in first.json()["messages"]}) == 7
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (too_many.status_code, too_many.json()["errors"][0]["limit"]) == (400, 500)


def test_a_message_for_another_account_than_the_paths_is_refused(deployment: Deployment, administrator: Caller) -> None:
    shop, other = a_shop(deployment, administrator), a_shop(deployment, administrator)
    message = {"account": other.account_id, "message_id": "m-1", "handle": "ana", "text": "Hello"}

    answer = shop.adapter.post(f"/v1/accounts/{shop.account_id}/messages", message)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "$.account")


def bring_mail(shop: Shop, mail: bytes, **headers: str) -> httpx.Response:
    path = f"/v1/accounts/{shop.account_id}/mail"
    return shop.adapter.ask("POST", path, content=mail, headers={"Content-Type": "message/rfc822", **headers})


def test_a_raw_mail_is_stored_once_and_shows_in_the_timeline(mailbox: Shop, supervisor: Caller) -> None:
    first, again = bring_mail(mailbox, MAIL), bring_mail(mailbox, MAIL)
    taken: dict[str, Any] = first.json()
    page = supervisor.shown(
        f"/v1/customers/{taken['customer_id']}/timeline", params={"min_position": taken["position"]}
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == taken
    texts = [entry["event"]["content"]["text"] for entry in page["items"] if "content" in entry["event"]]
    assert [text.strip() for text in texts] == ["Where is it? 你好"]


@pytest.mark.parametrize(
    "mail", [b"\x00\xff" * 1_000, b"no headers at all", b"\r\n\r\n\x80", b"From: \xff\xfe <>\r\n\r\n"]
)
def test_whatever_a_mail_server_delivers_is_taken(mailbox: Shop, mail: bytes) -> None:
    assert bring_mail(mailbox, mail).status_code == 201


def test_an_empty_mail_and_a_strange_mailbox_are_refused(
    deployment: Deployment, administrator: Caller, mailbox: Shop
) -> None:
    other = a_shop(deployment, administrator)

    assert bring_mail(mailbox, b" ").status_code == 400
    assert bring_mail(other, MAIL).status_code == 404
    long = bring_mail(mailbox, MAIL, **{"Onethread-Envelope-Recipient": "x" * 321})
    assert (long.status_code, long.json()["errors"][0]["limit"]) == (400, 320)


def test_secrets_of_accounts_never_come_out(deployment: Deployment, administrator: Caller, whatsapp: Shop) -> None:
    auditor = deployment.program(Role.AUDITOR)

    shown = administrator.get("/v1/accounts").text
    log = auditor.get("/v1/log", params={"limit": 200}).text

    assert whatsapp.account_id in shown
    assert SECRET not in shown
    assert SECRET not in log
    assert "$argon2" not in log


@pytest.mark.parametrize(
    ("channel", "setting", "more"),
    [("telegram", "secret_token", {}), ("phone", "secret", {"provider": "sipgate"})],
)
def test_two_accounts_that_only_a_secret_tells_apart_cannot_share_it(
    deployment: Deployment, administrator: Caller, channel: str, setting: str, more: dict[str, str]
) -> None:
    theirs, mine = secrets.token_hex(8), secrets.token_hex(8)
    shop = a_shop(deployment, administrator, channel=channel, address="110201543", settings={setting: theirs, **more})
    wanted = {"channel": channel, "name": "Other", "queue_id": shop.queue_id, "address": "110201544"}
    shared = wanted | {"settings": {setting: theirs, **more}}
    rolled = wanted | {"settings": {setting: mine, f"{setting}_previous": theirs, **more}}

    refused = [administrator.post("/v1/accounts", one) for one in (shared, rolled)]
    opened = administrator.post("/v1/accounts", wanted | {"settings": {setting: mine, **more}}, key=mine)
    deployment.known(opened.json()["position"])
    again = administrator.post("/v1/accounts", wanted | {"settings": {setting: mine, **more}}, key=mine)
    refused.append(administrator.post(f"/v1/accounts/{opened.json()['account_id']}/define", shared))

    for one in refused:
        assert (one.status_code, one.json()["type"]) == (409, "/problems/account-invalid")
        assert [error["field"] for error in one.json()["errors"]] == [f"$.settings.{setting}"]
        assert theirs not in one.text
    assert (opened.status_code, again.content) == (201, opened.content)
    assert administrator.post(f"/v1/accounts/{shop.account_id}/define", shared).status_code == 200, (
        "its own it may keep"
    )
