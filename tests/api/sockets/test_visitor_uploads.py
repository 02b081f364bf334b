"""Files that visitors of a web chat send: uploaded, named by a message, had by who may read it, and by nobody else."""

import json
from typing import Any

import httpx
import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import PAGE, VISITOR_KEY, Shop, a_shop
from tests.api.sockets.visitors import answered, hear, say, visitor
from tests.waiting import wait_until

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(50)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
BYTES_MAX = 200


@pytest.fixture
def chat(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"visitor_key": VISITOR_KEY, "origins": PAGE, "visitor_file_bytes_max": str(BYTES_MAX)}
    return a_shop(deployment, administrator, channel="webchat", settings=settings)


def upload(chat: Shop, token: str, body: bytes = PNG, *, origin: str = PAGE, **more: Any) -> httpx.Response:
    path, form = f"/v1/webchat/{chat.account_id}/files", {"data": {"token": token}, "files": {"file": ("a", body)}}
    return chat.deployment.anybody().ask("POST", path, headers={"origin": origin}, **(form | more))


def got(chat: Shop, media_id: str, token: str) -> httpx.Response:
    hello = json.dumps({"kind": "hello", "token": token})
    path = f"/v1/webchat/{chat.account_id}/media/{media_id}"
    return chat.deployment.anybody().ask("POST", path, content=hello, headers={"origin": PAGE})


def sent(chat: Shop, body: bytes = PNG, name: str = "../Foto ü.png", text: str = "") -> tuple[str, dict[str, Any]]:
    """The visitor's token, and what they uploaded and sent."""
    with visitor(chat) as (socket, welcome):
        taken = upload(chat, welcome["token"], body).json()
        say(socket, "message", id="m-1", text=text, files=[{"ticket": taken["ticket"], "name": name}])
        assert hear(socket)["kind"] == "stored"
        return welcome["token"], taken


def test_a_file_comes_with_a_message_and_the_agent_downloads_it(chat: Shop) -> None:
    agent = chat.agent()
    _, taken = sent(chat)
    held = answered(chat, agent, "Thank you")

    (line,) = [one for one in agent.shown(held.timeline)["items"] if one["event"].get("provider_id")]
    (attachment,) = line["event"]["content"]["attachments"]
    path = f"/v1/customers/{held.customer_id}/media/{taken['media_id']}"
    wait_until(lambda: agent.get(path).status_code == 200, what="the file is kept for the customer")
    answer = agent.get(path)

    assert (attachment["name"], attachment["content_type"]) == ("Foto ü.png", "image/png")
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (taken["content_type"], taken["size_bytes"]) == ("image/png", len(PNG))


def test_the_visitor_sees_the_file_again_and_gets_it_and_nobody_else_does(chat: Shop) -> None:
    token, taken = sent(chat, SVG, "a.svg", text="Look")
    with visitor(chat, token) as (socket, _):
        message = hear(socket)
    with visitor(chat) as (socket, welcome):
        say(socket, "message", id="m-1", text="I am somebody else")
        hear(socket)

    wait_until(lambda: got(chat, taken["media_id"], token).status_code == 200, what="the file is kept")
    answer = got(chat, taken["media_id"], token)
    (file,) = message["files"]
    assert (message["text"], file["name"], file["media_id"]) == ("Look", "a.svg", taken["media_id"])
    assert (answer.content, answer.headers["content-type"]) == (SVG, "application/octet-stream")
    assert got(chat, taken["media_id"], welcome["token"]).status_code == 404


def test_a_message_sent_again_with_its_file_is_the_same_message(chat: Shop) -> None:
    with visitor(chat) as (socket, welcome):
        files = [{"ticket": upload(chat, welcome["token"]).json()["ticket"], "name": "a.png"}]
        stored = []
        for _ in range(2):
            say(socket, "message", id="m-1", files=files)
            stored.append(hear(socket))

    assert stored[0] == stored[1]
    assert stored[0]["kind"] == "stored"


def test_another_visitors_file_cannot_be_sent(chat: Shop) -> None:
    with visitor(chat) as (_, welcome):
        ticket = upload(chat, welcome["token"]).json()["ticket"]
    with visitor(chat) as (socket, _):
        refused = []
        for one in (ticket, f"{ticket[:-2]}AA", "nonsense"):
            say(socket, "message", id="m-1", files=[{"ticket": one}])
            refused.append(hear(socket))

    assert [(one["kind"], one["id"]) for one in refused] == [("refused", "m-1")] * 3
    assert all(one["problem"].startswith("files[0].ticket: ") for one in refused)
    assert "somebody else" in refused[0]["problem"]


def test_an_upload_is_let_in_as_a_socket_is(chat: Shop) -> None:
    with visitor(chat) as (_, welcome):
        token = welcome["token"]

    taken = upload(chat, token)
    answers = {
        "a forged token": upload(chat, f"{token}x"),
        "no token": upload(chat, ""),
        "another page": upload(chat, token, origin="https://elsewhere.example"),
        "too large": upload(chat, token, bytes(BYTES_MAX + 1)),
        "empty": upload(chat, token, b""),
        "no form": upload(chat, token, data=None, files=None, content=b"x"),
        "no file": upload(chat, token, files={"other": b"x"}),
    }

    assert taken.status_code == 201
    assert taken.headers["access-control-allow-origin"] == PAGE
    assert {what: answer.status_code for what, answer in answers.items()} == {
        "a forged token": 401,
        "no token": 401,
        "another page": 403,
        "too large": 413,
        "empty": 409,
        "no form": 415,
        "no file": 400,
    }


def test_a_visitor_uploads_so_much_a_minute(chat: Shop) -> None:
    with visitor(chat) as (_, welcome):
        statuses = [upload(chat, welcome["token"], PNG + bytes([number])).status_code for number in range(11)]

    assert statuses == [201] * 10 + [429]


def test_a_web_chat_may_take_no_files(deployment: Deployment, administrator: Caller) -> None:
    settings = {"visitor_key": VISITOR_KEY, "origins": PAGE, "visitor_file_bytes_max": "0"}
    chat = a_shop(deployment, administrator, channel="webchat", settings=settings)
    with visitor(chat) as (_, welcome):
        refused = upload(chat, welcome["token"])

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/file-not-taken")
