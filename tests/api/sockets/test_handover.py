"""A chat goes on by mail when its visitor has left: through real sockets, a real mail server, and back."""

import asyncio
import secrets
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import PAGE, VISITOR_KEY, Shop, a_shop
from tests.api.sockets.visitors import answered, hear, say, visitor
from tests.channels.test_email_sending import ScriptedServer, serving
from tests.waiting import wait_until

TOKEN_KEY = "a key of at least thirty-two characters"


@pytest.fixture
def mail_server(deployment: Deployment) -> Iterator[tuple[ScriptedServer, int]]:
    """On the loop of the server."""
    script = ScriptedServer()
    running = serving(script)
    yield script, deployment.run(running.__aenter__())
    deployment.run(running.__aexit__(None, None, None))


@pytest.fixture
def mailbox(deployment: Deployment, administrator: Caller, mail_server: tuple[ScriptedServer, int]) -> Shop:
    settings = {"token_key": TOKEN_KEY, "smtp_host": "127.0.0.1", "smtp_security": "plain"}
    settings["smtp_port"] = str(mail_server[1])
    address = f"help-{secrets.token_hex(4)}@shop.example"
    return a_shop(deployment, administrator, channel="email", address=address, settings=settings)


@pytest.fixture
def chat(deployment: Deployment, administrator: Caller, mailbox: Shop) -> Shop:
    settings = {"visitor_key": VISITOR_KEY, "origins": PAGE, "handover_account": mailbox.account_id}
    return a_shop(deployment, administrator, channel="webchat", settings=settings | {"handover_minutes": "0"})


def mails(script: ScriptedServer) -> list[EmailMessage]:
    contents = [one.content for one in script.taken]
    return [message_from_bytes(one, policy=policy.default) for one in contents if isinstance(one, bytes)]


def wait_for_mail(deployment: Deployment, script: ScriptedServer, count: int) -> EmailMessage:
    """The newest of so many."""

    def look() -> bool:
        reaction = deployment.parts.followers["hand_chats_over"].reaction
        deployment.run(asyncio.wait_for(reaction.look(), 10))  # type: ignore[attr-defined]
        return len(script.taken) >= count

    wait_until(look, what="the mail is there", seconds_max=20)
    return mails(script)[-1]


def test_a_chat_goes_on_by_mail_and_the_visitor_who_returns_sees_all_of_it(
    chat: Shop, mailbox: Shop, mail_server: tuple[ScriptedServer, int], supervisor: Caller
) -> None:
    script, agent = mail_server[0], chat.agent()
    address = f"ana-{secrets.token_hex(4)}@example.org"
    with visitor(chat, email=address) as (socket, welcome):
        say(socket, "message", id="m-1", text="Where is my parcel?")
        stored = hear(socket)
    held = answered(chat, agent, "It left this morning.")

    mail = wait_for_mail(chat.deployment, script, 1)
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\r\n", "\n")
    answer = [f"From: Ana <{address}>", f"To: {mail['Reply-To']}", f"In-Reply-To: {mail['Message-ID']}"]
    answer += ["Message-ID: <back@example.org>", f"Subject: {mail['Subject']}", "", "Thank you!", ""]
    answer += ["On Sat, 21 Nov 2026, the shop wrote:", *(f"> {line}" for line in text.splitlines())]
    taken = mailbox.adapter.ask(
        "POST",
        f"/v1/accounts/{mailbox.account_id}/mail",
        content="\r\n".join(answer).encode(),
        headers={"Content-Type": "message/rfc822"},
    ).json()
    agent.done(f"{held.path}/reply", {"text": "You are welcome."})
    second = wait_for_mail(chat.deployment, script, 2)

    assert mail["To"] == address
    assert text.startswith("It left this morning.\n\n")
    assert "Ana: Where is my parcel?" in text
    assert (taken["customer_id"], taken["conversation_id"]) == (held.customer_id, held.conversation_id)
    assert second["In-Reply-To"] == "<back@example.org>"
    with visitor(chat, welcome["token"], after=stored["position"]) as (socket, _):
        seen = [hear(socket) for _ in range(3)]
    assert [(one["kind"], one["text"]) for one in seen] == [
        ("reply", "It left this morning."),
        ("message", "Thank you!"),
        ("reply", "You are welcome."),
    ]

    def gone() -> list[Any]:
        entries = supervisor.shown(held.timeline)["items"]
        return [one for one in entries if one["kind"] == "conversation.reply_handed_over"]

    wait_until(lambda: {one["delivery"]["status"] for one in gone()} == {"accepted"}, what="the mail server took all")
    assert {one["event"]["handle"] for one in gone()} == {address}


def test_what_the_visitor_sees_is_told_to_the_agent_and_goes_by_no_mail(
    chat: Shop, mail_server: tuple[ScriptedServer, int]
) -> None:
    script, agent = mail_server[0], chat.agent()
    with visitor(chat, email="ana@example.org") as (socket, _):
        say(socket, "message", id="m-1", text="Hello")
        hear(socket)
        held = answered(chat, agent, "Good morning")
        hear(socket)

        def is_seen() -> bool:
            lines = agent.shown(held.timeline)["items"]
            return any(line.get("delivery", {}).get("status") == "delivered" for line in lines)

        wait_until(is_seen, what="the agent sees that it was seen")

    reaction = chat.deployment.parts.followers["hand_chats_over"].reaction
    chat.deployment.run(reaction.look())  # type: ignore[attr-defined]
    assert script.taken == []
