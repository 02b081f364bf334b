"""Visitors of a web chat at work: what their sockets say and hear."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection

from tests.api.deployment import WAIT_SECONDS_MAX, Caller
from tests.api.situations import PAGE, Held, Shop
from tests.waiting import wait_until


def address(chat: Shop) -> str:
    return f"/v1/webchat/{chat.account_id}/socket"


def say(socket: ClientConnection, kind: str, **frame: Any) -> None:
    socket.send(json.dumps({"kind": kind, **frame}))


def hear(socket: ClientConnection) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(socket.recv(WAIT_SECONDS_MAX))
    return frame


@contextmanager
def visitor(
    chat: Shop, token: str = "", after: int = 0, **identity: Any
) -> Iterator[tuple[ClientConnection, dict[str, Any]]]:
    """A socket that has said hello, and the welcome it got."""
    with chat.deployment.open(address(chat), origin=PAGE) as socket:
        say(socket, "hello", token=token, after=after, **{"name": "Ana", **identity})
        yield socket, hear(socket)


def answered(chat: Shop, agent: Caller, text: str) -> Held:
    """The agent accepts the one conversation they are offered, and answers."""
    found: list[dict[str, Any]] = []

    def is_offered() -> bool:
        found[:] = agent.shown("/v1/conversations")["items"]
        return bool(found and found[0]["conversation"].get("offer_id"))

    wait_until(is_offered, what="the conversation is offered")
    card = found[0]
    held = Held(chat, agent, card["customer_id"], card["id"], card["conversation"]["offer_id"])
    agent.done(f"{held.path}/offers/{held.offer_id}/accept")
    answer = agent.post(f"{held.path}/reply", {"text": text})
    assert answer.status_code == 202
    return held
