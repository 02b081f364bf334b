"""What people see: a socket of theirs, with what its frames say is on the screen, as any client would keep it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection

from tests.api.deployment import WAIT_SECONDS_MAX, Caller, Deployment
from tests.api.situations import PAGE, Shop

Row = dict[str, Any]


class Screen:
    """The socket of somebody who works here: the rows of each watch, as its snapshot and later frames leave them."""

    def __init__(self, socket: ClientConnection) -> None:
        self.rows: dict[str, dict[str, Row]] = {}
        self.seen: dict[str, int] = {}
        """The last position of each watch, to resume after."""
        self.ended: dict[str, str] = {}
        """Why each watch that ended has ended."""
        self.frames: list[dict[str, Any]] = []
        self._socket = socket

    def watch(self, name: str, after: int | None = None) -> None:
        """Looks at something, from the beginning or from where one has seen it."""
        frame = {"type": "watch", "watch": name} | ({} if after is None else {"after": after})
        self._socket.send(json.dumps(frame))
        self.until(lambda: any(one["type"] == "watching" and one["watch"] == name for one in self.frames), name)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Takes frames until the condition holds."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not condition():
            try:
                self._take(json.loads(self._socket.recv(max(0.0, deadline - time.monotonic()))))
            except TimeoutError:
                raise AssertionError(f"the screen does not show: {what}; it shows {self.rows}") from None

    def _take(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        match frame["type"]:
            case "snapshot":
                self.rows[frame["watch"]] = {row.get("id", row.get("position")): row for row in frame["rows"]}
            case "put":
                self.rows.setdefault(frame["watch"], {})[frame["key"]] = frame["row"]
            case "gone":
                self.rows.setdefault(frame["watch"], {}).pop(frame["key"], None)
            case "unwatched":
                self.ended[frame["watch"]] = frame["reason"]
        if "position" in frame:
            self.seen[frame["watch"]] = frame["position"]


class Desk(Screen):
    """The screen of an agent, who can act on what it shows."""

    def __init__(self, socket: ClientConnection, agent: Caller) -> None:
        super().__init__(socket)
        self.agent = agent
        self.inbox = f"conversations:{agent.agent_id}"
        self.watch("inbox")
        self.until(lambda: self.inbox in self.rows, "the inbox")

    def sees(self, status: str, conversation_id: str = "", **more: Any) -> Row:
        """The card of a conversation that is in this status, once the inbox shows it."""

        def found() -> list[Row]:
            return [
                card
                for key, card in self.rows[self.inbox].items()
                if card["conversation"]["status"] == status
                and conversation_id in ("", key)
                and all(card.get(name) == value for name, value in more.items())
            ]

        self.until(lambda: bool(found()), f"{status} {conversation_id}")
        return found()[0]

    def loses(self, conversation_id: str) -> None:
        """The inbox no longer shows it."""
        self.until(lambda: conversation_id not in self.rows[self.inbox], f"{conversation_id} is gone")

    def accepts(self, card: Row) -> Row:
        self._answers_the_offer(card, "accept")
        return self.sees("assigned", card["id"])

    def declines(self, card: Row) -> None:
        self._answers_the_offer(card, "decline", {"reason": "not mine"})

    def does(self, card: Row, verb: str, body: Any = None) -> dict[str, Any]:
        """A command on the conversation."""
        return self.agent.done(f"{path_of(card)}/{verb}", body)

    def _answers_the_offer(self, card: Row, verb: str, body: Any = None) -> None:
        self.does(card, f"offers/{card['conversation']['offer_id']}/{verb}", body)


class Visitor:
    """Somebody on the shop's page."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._say("hello", name="Ana")
        self.id: str = self.hears("welcome")["visitor_id"]

    def says(self, text: str, message_id: str = "m-1") -> dict[str, Any]:
        self._say("message", id=message_id, text=text)
        return self.hears("stored")

    def hears(self, kind: str) -> dict[str, Any]:
        """The next frame, which is of that kind."""
        frame: dict[str, Any] = json.loads(self._socket.recv(WAIT_SECONDS_MAX))
        assert frame["kind"] == kind, frame
        return frame

    def _say(self, kind: str, **frame: Any) -> None:
        self._socket.send(json.dumps({"kind": kind, **frame}))


@contextmanager
def a_desk(shop: Shop, agent: Caller | None = None) -> Iterator[Desk]:
    """An agent of the shop at work; a new one where none is named."""
    agent = agent or shop.agent()
    with shop.deployment.socket(agent) as socket:
        yield Desk(socket, agent)


@contextmanager
def a_screen(deployment: Deployment, person: Caller) -> Iterator[Screen]:
    with deployment.socket(person) as socket:
        yield Screen(socket)


@contextmanager
def a_visitor(chat: Shop) -> Iterator[Visitor]:
    with chat.deployment.open(f"/v1/webchat/{chat.account_id}/socket", origin=PAGE) as socket:
        yield Visitor(socket)


def path_of(card: Row) -> str:
    return f"/v1/customers/{card['customer_id']}/conversations/{card['id']}"
