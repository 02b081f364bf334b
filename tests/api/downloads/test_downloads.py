"""Downloads: what a mail brought can be had by whoever may read the customer's timeline, and by nobody else."""

import base64
import hashlib
import secrets
from typing import Any

import httpx
import pytest

from domain.person import Role
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop
from tests.waiting import wait_until

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(50)
KEY = "a key of at least thirty-two characters"


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator, channel="email", address="help@media.example", settings={"token_key": KEY})


def a_mail(*files: tuple[str, str, bytes], sender: str = "", message_id: str = "") -> bytes:
    """With these files: name, type and bytes."""
    sender, message_id = sender or f"{secrets.token_hex(6)}@example.org", message_id or secrets.token_hex(8)
    parts = ["Content-Type: text/plain\r\n\r\nLook at this.\r\n"]
    for name, kind, body in files:
        parts.append(
            f"Content-Type: {kind}\r\nContent-Disposition: attachment; filename*=UTF-8''{name}\r\n"
            f"Content-Transfer-Encoding: base64\r\n\r\n{base64.encodebytes(body).decode()}"
        )
    joined = "".join(f"--b\r\n{part}\r\n" for part in parts)
    head = f"From: {sender}\r\nTo: help@media.example\r\nSubject: Look\r\nMessage-ID: <{message_id}@example.org>\r\n"
    return f"{head}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{joined}--b--\r\n".encode()


def bring(mailbox: Shop, mail: bytes) -> httpx.Response:
    return mailbox.adapter.ask("POST", f"/v1/accounts/{mailbox.account_id}/mail", content=mail)


def told(reader: Caller, customer_id: str, count: int = 1) -> list[dict[str, Any]]:
    """What the customer's timeline says about media, by attachment, once it says so much."""
    found: list[dict[str, Any]] = []

    def is_told() -> bool:
        page = reader.shown(f"/v1/customers/{customer_id}/timeline")
        found[:] = [one["event"] for one in page["items"] if one["kind"].startswith("conversation.media_")]
        return len(found) >= count

    wait_until(is_told, what="the timeline tells of the media")
    return sorted(found, key=lambda one: (one["message_position"], one["attachment_index"]))


def path_of(customer_id: str, digest: str) -> str:
    return f"/v1/customers/{customer_id}/media/{digest}"


def test_a_file_that_came_by_mail_is_downloaded_as_it_was_sent(mailbox: Shop, supervisor: Caller) -> None:
    answer = bring(mailbox, a_mail(("Gr%C3%BC%C3%9Fe%20%E4%BD%A0.png", "image/png", PNG)))
    customer_id = answer.json()["customer_id"]
    (stored,) = told(supervisor, customer_id)

    got = supervisor.get(path_of(customer_id, stored["digest"]))

    assert (got.status_code, got.content) == (200, PNG)
    assert stored["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert stored["name"] == "Grüße 你.png"
    assert got.headers["content-type"] == "image/png"
    assert got.headers["content-length"] == str(len(PNG))
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%E4%BD%A0.png"
    assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert set(got.headers["cache-control"].split(", ")) == {"private", "no-store"}
    assert got.headers["etag"] == f'"{stored["digest"]}"'


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<html><script>alert(1)</script>", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><a/>", "application/xml"),
        (b"#!/bin/sh\nrm -rf /", "text/x-shellscript"),
        (b"MZ\x90\0" + bytes(60) + b"PE\0\0", "application/vnd.microsoft.portable-executable"),
    ],
)
def test_what_could_act_is_only_ever_bytes(mailbox: Shop, supervisor: Caller, body: bytes, found: str) -> None:
    customer_id = bring(mailbox, a_mail(("a.png", "image/png", body))).json()["customer_id"]
    (stored,) = told(supervisor, customer_id)

    got = supervisor.get(path_of(customer_id, stored["digest"]))

    assert (stored["content_type"], stored["declared_type"]) == (found, "image/png")
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment;")


def test_a_file_is_found_only_with_a_customer_who_sent_it(mailbox: Shop, supervisor: Caller) -> None:
    first = bring(mailbox, a_mail(("a.txt", "text/plain", b"a secret of one"))).json()["customer_id"]
    other = bring(mailbox, a_mail(("a.txt", "text/plain", b"a secret of another"))).json()["customer_id"]
    (stored,), _ = told(supervisor, first), told(supervisor, other)

    assert supervisor.get(path_of(first, stored["digest"])).status_code == 200
    for path in (
        path_of(other, stored["digest"]),
        path_of(first, "0" * 64),
        path_of(first, stored["digest"].upper()),
        path_of(first, stored["sha256"]),
        path_of(first, "..%2f..%2fkeys.json"),
        path_of(f"customer-{'0' * 32}", stored["digest"]),
    ):
        assert supervisor.get(path).status_code == 404, path


def test_a_file_that_two_customers_sent_is_found_with_both(mailbox: Shop, supervisor: Caller) -> None:
    customers = [bring(mailbox, a_mail(("logo.png", "image/png", PNG + b"2"))).json()["customer_id"] for _ in range(2)]

    digests = {told(supervisor, customer_id)[0]["digest"] for customer_id in customers}

    assert len(digests) == 1
    assert {supervisor.get(path_of(one, *digests)).status_code for one in customers} == {200}


def test_only_who_may_read_the_timeline_may_download(
    deployment: Deployment, mailbox: Shop, supervisor: Caller, auditor: Caller, administrator: Caller
) -> None:
    customer_id = bring(mailbox, a_mail(("a.png", "image/png", PNG + b"3"))).json()["customer_id"]
    (stored,) = told(supervisor, customer_id)
    path = path_of(customer_id, stored["digest"])
    stranger = deployment.person(Role.AGENT, agent_id=mailbox.agent(is_available=False).agent_id)
    agent = mailbox.agent(capacity=100)

    def holds_it() -> bool:
        page = agent.shown("/v1/conversations", params={"customer_id": customer_id})
        return bool(page["items"])

    wait_until(holds_it, what="the router offers the conversation")
    callers = (auditor, agent, stranger, administrator, mailbox.adapter, deployment.anybody())
    assert [one.get(path).status_code for one in callers] == [200, 200, 404, 403, 403, 401]


def test_a_mail_that_comes_again_is_the_same_mail(mailbox: Shop, supervisor: Caller) -> None:
    mail = a_mail(("a.png", "image/png", PNG), ("a.png", "image/png", PNG))

    first, again = bring(mailbox, mail), bring(mailbox, mail)

    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert [one["attachment_index"] for one in told(supervisor, first.json()["customer_id"], 2)] == [0, 1]


def test_the_timeline_says_where_the_bytes_are_kept(mailbox: Shop, supervisor: Caller) -> None:
    customer_id = bring(mailbox, a_mail(("a.png", "image/png", PNG))).json()["customer_id"]
    (stored,) = told(supervisor, customer_id)

    page = supervisor.shown(f"/v1/customers/{customer_id}/timeline")

    (message,) = [one for one in page["items"] if one["kind"] == "conversation.message_received"]
    (attachment,) = message["event"]["content"]["attachments"]
    assert attachment["reference"] == f"media:{stored['digest']}"
    assert (message["position"], message["event"]["message_id"]) == (stored["message_position"], stored["message_id"])


def test_a_mail_whose_files_cannot_be_kept_is_to_be_brought_again(
    deployment: Deployment, mailbox: Shop, supervisor: Caller
) -> None:
    media = deployment.parts.settings.data_directory / "media"
    bring(mailbox, a_mail(("a.png", "image/png", PNG)))
    aside = media.rename(media.with_name("aside"))
    mail = a_mail(("a.png", "image/png", PNG + b"4"))
    media.write_text("a file, where a folder should be")
    try:
        refused = bring(mailbox, mail)
        plain = bring(mailbox, a_mail())
    finally:
        media.unlink()
        aside.rename(media)

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/media-not-stored")
    assert "retry-after" in refused.headers
    assert plain.status_code == 201
    brought = bring(mailbox, mail)
    assert brought.status_code == 201
    assert "idempotent-replayed" not in brought.headers
    assert told(supervisor, brought.json()["customer_id"])


def test_metrics_tell_what_became_of_attachments(deployment: Deployment, mailbox: Shop, supervisor: Caller) -> None:
    told(supervisor, bring(mailbox, a_mail(("a.png", "image/png", PNG))).json()["customer_id"])

    metrics = deployment.anybody().get("/metrics").text

    samples = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("onethread_media"))
    assert float(samples["onethread_media_stored_total"]) >= 1
    assert float(samples["onethread_media_stored_bytes_total"]) >= len(PNG)
    assert "onethread_media_waiting" in samples
    assert "onethread_media_oldest_waiting_seconds" in samples
