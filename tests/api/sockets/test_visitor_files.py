"""Files in answers of a web chat: the visitor is told of them, and gets them by what they say hello with."""

import json
from typing import Any

import httpx
import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import PAGE, VISITOR_KEY, Shop, a_shop
from tests.api.sockets.visitors import answered, hear, say, visitor

PDF = b"%PDF-1.7\n"
HTML = b"<html><script>alert(1)</script>"


@pytest.fixture
def chat(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"visitor_key": VISITOR_KEY, "origins": PAGE}
    return a_shop(deployment, administrator, channel="webchat", settings=settings)


def got(chat: Shop, media_id: str, *, origin: str = PAGE, kind: str = "hello", token: str = "") -> httpx.Response:
    hello = json.dumps({"kind": kind, "token": token})
    path = f"/v1/webchat/{chat.account_id}/media/{media_id}"
    return chat.deployment.anybody().ask("POST", path, content=hello, headers={"origin": origin})


def a_reply_with(chat: Shop, body: bytes, name: str = "Rechnung.pdf") -> tuple[str, dict[str, Any]]:
    """The visitor's token, and the answer as they saw it."""
    agent = chat.agent()
    with visitor(chat) as (socket, welcome):
        say(socket, "message", id="m-1", text="My bill?")
        hear(socket)
        held = answered(chat, agent, "One moment")
        hear(socket)
        kept = agent.ask("POST", f"{held.path}/files", content=body).json()
        agent.done(f"{held.path}/reply", {"attachments": [{"media_id": kept["media_id"], "name": name}]})
        return welcome["token"], hear(socket)


def test_the_visitor_is_told_of_a_file_and_downloads_it(chat: Shop) -> None:
    token, reply = a_reply_with(chat, PDF)

    (file,) = reply["files"]
    answer = got(chat, file["media_id"], token=token)

    assert (reply["kind"], reply["text"]) == ("reply", "")
    assert (file["name"], file["content_type"], file["size_bytes"]) == ("Rechnung.pdf", "application/pdf", len(PDF))
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Rechnung.pdf"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == PAGE


def test_what_a_browser_could_act_on_comes_as_bytes(chat: Shop) -> None:
    token, reply = a_reply_with(chat, HTML, "page.html")

    answer = got(chat, reply["files"][0]["media_id"], token=token)

    assert (answer.content, answer.headers["content-type"]) == (HTML, "application/octet-stream")


def test_who_is_not_that_visitor_gets_nothing(chat: Shop) -> None:
    token, reply = a_reply_with(chat, PDF)
    media_id = reply["files"][0]["media_id"]
    with visitor(chat) as (socket, welcome):
        say(socket, "message", id="m-1", text="I am somebody else")
        hear(socket)

    assert got(chat, media_id, token=welcome["token"]).status_code == 404
    assert got(chat, media_id).status_code == 404
    assert got(chat, "0" * 64, token=token).status_code == 404
    assert got(chat, media_id, token=f"{token}x").status_code == 401
    assert got(chat, media_id, token=token, origin="https://elsewhere.example").status_code == 403
    assert got(chat, media_id, token=token, kind="identify").status_code == 400
