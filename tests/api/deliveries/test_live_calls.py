"""A call as agents and supervisors live through it: it rings on their screens, is answered, and over or missed."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.sync.client import ClientConnection

from domain.person import Role
from tests.api.deliveries.situations import definition, read_all
from tests.api.deployment import WAIT_SECONDS_MAX, Caller, Deployment
from tests.api.situations import Shop, a_shop
from tests.waiting import wait_until


@dataclass
class Line:
    """A shop's telephone, with two agents who have extensions."""

    shop: Shop
    ana: Caller
    ben: Caller
    number: str
    call_id: str

    def tell(self, event: str, **fields: str) -> None:
        """What sipgate posts, taken in."""
        told = {"event": event, "callId": self.call_id, "from": self.number, "to": "4915791234567", "direction": "in"}
        answer = self.shop.deployment.anybody().ask(
            "POST",
            f"/v1/webhooks/phone/{self.shop.account_id}?secret={definition(self.shop).settings['secret']}",
            content=urlencode(told | fields, doseq=True).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 200
        read_all(self.shop.deployment)

    def entries(self, supervisor: Caller, customer_id: str) -> list[dict[str, Any]]:
        """Of the customer's timeline, those about calls."""
        head = self.shop.deployment.run(self.shop.deployment.parts.log.head())
        page = supervisor.shown(f"/v1/customers/{customer_id}/timeline", params={"min_position": head})
        return [one for one in page["items"] if ".call_" in one["kind"]]


@pytest.fixture
def line(deployment: Deployment, administrator: Caller) -> Line:
    settings = {"provider": "sipgate", "secret": secrets.token_hex(8)}
    shop = a_shop(deployment, administrator, channel="phone", settings=settings)
    ana, ben = shop.agent(is_available=False), shop.agent(is_available=False)
    settings |= {"agents": f"w0={ana.agent_id}, w1={ben.agent_id}"}
    made = administrator.done(
        f"/v1/accounts/{shop.account_id}/define",
        {"channel": "phone", "name": "Line", "queue_id": shop.queue_id, "settings": settings},
    )
    deployment.known(made["position"])
    return Line(shop, ana, ben, f"4930{secrets.randbelow(10**7):07}", secrets.token_hex(4))


def say(socket: ClientConnection, watch: str) -> None:
    socket.send(json.dumps({"type": "watch", "watch": watch}))


def hear(socket: ClientConnection, kind: str, watch: str = "") -> dict[str, Any]:
    """The next frame of that type about such a view."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(WAIT_SECONDS_MAX))
        if frame["type"] == kind and frame.get("watch", "").startswith(watch):
            return frame


@contextmanager
def watching(line: Line, caller: Caller, watch: str) -> Iterator[ClientConnection]:
    with line.shop.deployment.socket(caller) as socket:
        say(socket, watch)
        hear(socket, "snapshot")
        yield socket


def test_who_is_called_sees_who_calls_while_it_rings(line: Line, supervisor: Caller) -> None:
    with watching(line, line.ana, "calls") as screen, watching(line, line.ben, "calls") as other:
        line.tell("newCall", **{"userId[]": "w0"})
        ringing = hear(screen, "put")
        line.tell("newCall", **{"userId[]": "w1"})
        rings_too = hear(other, "put")

    row = ringing["row"]
    assert ringing["watch"] == f"calls:{line.ana.agent_id}"
    assert (row["stage"], row["handle"], row["direction"]) == ("ringing", f"+{line.number}", "inbound")
    assert row["agent_ids"] == [line.ana.agent_id]
    assert sorted(rings_too["row"]["agent_ids"]) == sorted([line.ana.agent_id, line.ben.agent_id])
    assert rings_too["row"]["customer_id"] == row["customer_id"]
    (entry,) = line.entries(supervisor, row["customer_id"])
    assert (entry["kind"], entry["call"]["stage"]) == ("conversation.call_rang", "ringing")


def test_a_call_goes_from_ringing_to_answered_to_over_as_one(line: Line, supervisor: Caller) -> None:
    stages = []
    with watching(line, supervisor, f"calls:{line.shop.queue_id}") as board:
        for event in ("newCall", "newCall", "answer", "newCall", "hangup", "answer", "newCall", "hangup"):
            line.tell(event, user="Ana", **({"userId": "w0"} if event == "answer" else {}), cause="normalClearing")
        while (frame := hear(board, "put"))["row"]["stage"] != "answered":
            stages.append(frame["row"]["stage"])
        gone = hear(board, "gone")

    assert set(stages) == {"ringing"}
    assert gone["key"] == frame["key"]
    assert (frame["row"]["answered_by"], frame["row"]["agent_id"]) == ("Ana", line.ana.agent_id)
    (entry,) = line.entries(supervisor, frame["row"]["customer_id"])
    assert (entry["kind"], entry["event"]["outcome"]) == ("conversation.call_logged", "answered")
    assert entry["call"]["stage"] == "ended"
    assert entry["event"]["agent_id"] == line.ana.agent_id


def test_whom_a_call_rings_at_may_look_at_the_customer_until_somebody_else_takes_it(line: Line) -> None:
    with watching(line, line.ana, "calls") as screen:
        line.tell("newCall", **{"userId[]": "w0,w1"})
        customer_id = hear(screen, "put")["row"]["customer_id"]
        say(screen, f"timeline:{customer_id}")
        hear(screen, "snapshot", "timeline")
        line.tell("answer", user="Ben", userId="w1")

        ended = hear(screen, "unwatched", "timeline")

    assert ended["reason"] == "you may not see it any more"
    assert line.ana.get(f"/v1/customers/{customer_id}/timeline").status_code == 404
    line.tell("hangup", cause="normalClearing")
    assert line.ben.get(f"/v1/customers/{customer_id}/timeline").status_code == 200, "what follows a call is work too"


def test_a_missed_call_waits_in_the_queue_and_is_offered(line: Line, supervisor: Caller) -> None:
    with watching(line, supervisor, f"queue_board:{line.shop.queue_id}") as board:
        line.tell("newCall")
        line.tell("hangup", cause="cancel")
        waiting = hear(board, "put")["row"]
    line.ana.done(f"/v1/agents/{line.ana.agent_id}/change_presence", {"presence": "available"})

    with watching(line, line.ana, "inbox") as inbox:
        say(inbox, "inbox")
        rows = hear(inbox, "snapshot")["rows"] or [hear(inbox, "put")["row"]]

    assert waiting["channel"] == "phone"
    assert (rows[0]["id"], rows[0]["preview"], rows[0]["last_by"]) == (waiting["id"], "missed", "customer")
    (entry,) = line.entries(supervisor, waiting["customer_id"])
    assert entry["event"]["outcome"] == "missed"


def test_an_agent_writes_of_a_call_while_it_is_on(line: Line, supervisor: Caller) -> None:
    line.tell("newCall", **{"userId[]": "w0"})
    line.tell("answer", userId="w0")

    noted = line.ana.done(
        f"/v1/phone/{line.shop.account_id}/calls", {"call_id": line.call_id, "note": "Wants a refund"}
    )
    line.tell("hangup", cause="normalClearing")

    (entry,) = line.entries(supervisor, noted["customer_id"])
    assert entry["event"]["conversation_id"] == noted["conversation_id"]
    assert (entry["event"]["outcome"], entry["call"]["stage"]) == ("answered", "ended")
    items = supervisor.shown(f"/v1/customers/{noted['customer_id']}/timeline")["items"]
    assert [one["event"]["text"] for one in items if one["kind"] == "conversation.note_written"] == ["Wants a refund"]


def test_calls_of_others_are_not_shown(line: Line, supervisor: Caller) -> None:
    with line.shop.deployment.socket(line.ana) as socket:
        for watch in (f"calls:{line.ben.agent_id}", f"calls:{line.shop.queue_id}"):
            say(socket, watch)
            assert hear(socket, "problem")["watch"] == watch
    with line.shop.deployment.socket(supervisor) as socket:
        say(socket, "calls")
        assert hear(socket, "problem")["problem"] == "/problems/unknown"


def on_the_phone(caller: Caller, line: Line, **which: object) -> list[dict[str, Any]]:
    """The calls of the line's account, page by page."""
    head = line.shop.deployment.run(line.shop.deployment.parts.log.head())
    asked = {"account_id": line.shop.account_id, "min_position": head, **which}
    found: list[dict[str, Any]] = []
    while True:
        page = caller.shown("/v1/calls", params=asked)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        asked["cursor"] = page["next_cursor"]


def test_calls_that_ring_or_are_talked_on_are_listed_until_they_are_over(line: Line, supervisor: Caller) -> None:
    ids = [f"{line.call_id}-{number}" for number in range(3)]
    for call_id in ids:
        line.tell("newCall", callId=call_id, **{"userId[]": "w0"})
    line.tell("answer", callId=ids[1], userId="w0")
    live, one_by_one = on_the_phone(supervisor, line), on_the_phone(supervisor, line, limit=1)
    line.tell("hangup", callId=ids[0], cause="cancel")

    assert [(one["call_id"], one["stage"]) for one in live] == [
        (ids[0], "ringing"), (ids[1], "answered"), (ids[2], "ringing"),
    ]  # fmt: skip
    assert one_by_one == live
    assert [one["call_id"] for one in on_the_phone(supervisor, line, stage="ringing")] == [ids[2]]
    assert [one["call_id"] for one in on_the_phone(supervisor, line)] == ids[1:]


def test_calls_of_another_account_are_listed_where_none_is_named(line: Line, supervisor: Caller) -> None:
    line.tell("newCall")
    anywhere = {"limit": 200, "min_position": line.shop.deployment.run(line.shop.deployment.parts.log.head())}

    elsewhere = supervisor.shown("/v1/calls", params={"account_id": f"account-{'0' * 32}"})
    everywhere = supervisor.shown("/v1/calls", params=anywhere)

    assert elsewhere["items"] == []
    assert line.call_id in [one["call_id"] for one in everywhere["items"]]


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.SUPERVISOR, 200), (Role.AUDITOR, 200), (Role.ADMINISTRATOR, 403), (Role.ADAPTER, 403), (Role.AGENT, 403)],
)
def test_who_may_see_the_queue_boards_may_see_who_is_on_the_phone(line: Line, role: Role, status: int) -> None:
    callers = {Role.AGENT: line.ana, Role.ADAPTER: line.shop.adapter, Role.ADMINISTRATOR: line.shop.administrator}
    caller = callers.get(role) or line.shop.deployment.person(role)

    assert caller.get("/v1/calls").status_code == status
    assert caller.get(f"/v1/queues/{line.shop.queue_id}/board").status_code == status


def test_who_talks_is_busy_until_the_call_is_over(line: Line, supervisor: Caller) -> None:
    def load() -> int:
        card: dict[str, Any] = supervisor.shown(f"/v1/agents/{line.ana.agent_id}")
        return int(card.get("load", 0))

    line.tell("newCall", **{"userId[]": "w0"})
    line.tell("answer", userId="w0")
    wait_until(lambda: load() > 0, what="the call takes load")
    (card,) = line.ana.shown("/v1/conversations")["items"]
    line.tell("hangup", cause="normalClearing")
    wait_until(lambda: load() == 0, what="the end of the call frees it")

    assert (card["conversation"]["status"], card["conversation"]["channel"]) == ("assigned", "phone")


def test_a_call_made_again_and_answered_leaves_nobody_to_call_back(line: Line, supervisor: Caller) -> None:
    def waiting() -> int:
        return len(supervisor.shown(f"/v1/queues/{line.shop.queue_id}/board")["items"])

    line.tell("newCall", callId=f"{line.call_id}-1")
    line.tell("hangup", callId=f"{line.call_id}-1", cause="cancel")
    wait_until(lambda: waiting() == 1, what="the missed call waits")
    line.tell("newCall")
    line.tell("answer", user="the front desk")

    wait_until(lambda: waiting() == 0, what="nobody need call back")
