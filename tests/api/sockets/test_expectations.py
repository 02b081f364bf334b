"""Place in line and expected wait: on the board, on the sockets, for the visitor themselves, and how it came true."""

import json
import secrets
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.api.deployment import WAIT_SECONDS_MAX, Caller, Deployment
from tests.api.situations import PAGE, VISITOR_KEY, Held, Shop, a_shop
from tests.api.sockets.visitors import hear, say, visitor
from tests.waiting import wait_until

TAKEN = 8


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator)


@pytest.fixture
def chat(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"visitor_key": VISITOR_KEY, "origins": PAGE}
    return a_shop(deployment, administrator, channel="webchat", settings=settings)


def expectations(caller: Caller, shop: Shop) -> dict[str, dict[str, Any]]:
    """By conversation, as the board has them."""
    rows = caller.shown(f"/v1/queues/{shop.queue_id}/board", params={"limit": 200})["items"]
    return {row["id"]: row["expectation"] for row in rows if "expectation" in row}


def a_line(caller: Caller, shop: Shop, length: int) -> list[str]:
    """Conversations that stand in the queue's line, the first in front."""
    brought = [shop.bring(secrets.token_hex(6))["conversation_id"] for _ in range(length)]
    wait_until(lambda: len(expectations(caller, shop)) == length, what="everybody has a place")
    return brought


def take_and_close(shop: Shop, agent: Caller, times: int) -> None:
    """One after the other: the agent has room for one."""
    for _ in range(times):
        held = _accepted(shop, agent)
        agent.done(f"{held.path}/close", {"disposition": "solved"})


def _accepted(shop: Shop, agent: Caller) -> Held:
    found: list[dict[str, Any]] = []

    def is_offered() -> bool:
        items = agent.shown("/v1/conversations", params={"status": "offered"})["items"]
        found[:] = [card for card in items if card["conversation"].get("offer_id")]
        return bool(found)

    wait_until(is_offered, what="the next one is offered")
    card = found[0]
    held = Held(shop, agent, card["customer_id"], card["id"], card["conversation"]["offer_id"])
    agent.done(f"{held.path}/offers/{held.offer_id}/accept")
    return held


def until(socket: ClientConnection, kind: str, **wanted: Any) -> dict[str, Any]:
    """The first frame of that type with these fields."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(WAIT_SECONDS_MAX))
        assert frame["type"] != "problem", frame
        if frame["type"] == kind and all(frame.get(name) == value for name, value in wanted.items()):
            return frame


def test_places_are_on_the_board_and_a_wait_is_unknown_without_history(supervisor: Caller, shop: Shop) -> None:
    line = a_line(supervisor, shop, 3)

    found = expectations(supervisor, shop)
    one = supervisor.shown(f"/v1/conversations/{line[1]}/expectation")

    assert [found[each]["place"] for each in line] == [1, 2, 3]
    assert "expected_seconds" not in found[line[0]]
    assert one["place"] == 2
    assert 0 <= one["age_seconds"] < 30


def test_what_stands_in_no_line_has_no_expectation(supervisor: Caller, shop: Shop) -> None:
    answer = supervisor.get(f"/v1/conversations/conversation-{'0' * 32}/expectation")

    assert answer.status_code == 404


def test_a_line_that_is_served_says_how_long_and_tells_how_it_came_true(supervisor: Caller, shop: Shop) -> None:
    line = a_line(supervisor, shop, TAKEN + 4)
    agent = shop.agent(capacity=2)
    take_and_close(shop, agent, TAKEN)
    left = line[TAKEN + 1 :]
    wait_until(
        lambda: all("expected_seconds" in expectations(supervisor, shop).get(one, {}) for one in left),
        what="the wait is known",
    )
    found = [expectations(supervisor, shop)[one] for one in left]

    take_and_close(shop, agent, 3)

    def calibration() -> dict[str, Any]:
        shown: dict[str, Any] = supervisor.shown(f"/v1/queues/{shop.queue_id}/calibration")
        return shown

    wait_until(lambda: calibration()["count"] >= 2, what="ended waits are counted")
    report, metrics = calibration(), supervisor.get("/metrics").text
    assert all(one["low_seconds"] <= one["expected_seconds"] <= one["high_seconds"] for one in found)
    assert found[0]["expected_seconds"] <= found[-1]["expected_seconds"]
    assert (report["band"], report["days"], report["given_up"]) == (0.8, 28, 0)
    assert sum(bucket["count"] for bucket in report["buckets"]) == report["count"]
    assert 0 <= report["within_band"] <= 1
    assert report["mean_error_seconds"] is not None
    assert 'onethread_expected_waits_total{outcome="' in metrics
    assert "onethread_wait_error_seconds_count" in metrics


def test_a_queue_nobody_waited_in_has_an_empty_calibration(supervisor: Caller, shop: Shop) -> None:
    report = supervisor.shown(f"/v1/queues/{shop.queue_id}/calibration", params={"days": 1})

    assert (report["count"], report["within_band"], report["buckets"]) == (0, None, [])


def test_agents_do_not_read_calibrations(shop: Shop) -> None:
    answer = shop.agent(is_available=False).get(f"/v1/queues/{shop.queue_id}/calibration")

    assert answer.status_code == 403


def test_who_watches_a_queue_sees_places_change(deployment: Deployment, supervisor: Caller, shop: Shop) -> None:
    line = a_line(supervisor, shop, 2)
    watch = f"expectations:{shop.queue_id}"
    with deployment.socket(supervisor) as socket:
        socket.send(json.dumps({"type": "watch", "watch": watch}))
        snapshot = until(socket, "snapshot", watch=watch)

        take_and_close(shop, shop.agent(capacity=2), 1)
        gone = until(socket, "gone", key=line[0])
        moved = until(socket, "put", key=line[1])

    assert [(row["id"], row["place"]) for row in snapshot["rows"]] == [(line[0], 1), (line[1], 2)]
    assert moved["row"]["place"] == 1
    assert min(gone["position"], moved["position"]) > snapshot["position"]


def test_who_comes_back_to_expectations_gets_what_was_missed(
    deployment: Deployment, supervisor: Caller, shop: Shop
) -> None:
    a_line(supervisor, shop, 1)
    watch = f"expectations:{shop.queue_id}"
    with deployment.socket(supervisor) as socket:
        socket.send(json.dumps({"type": "watch", "watch": watch}))
        last = until(socket, "snapshot")["position"]
    later = shop.bring(secrets.token_hex(6))["conversation_id"]
    wait_until(lambda: later in expectations(supervisor, shop), what="it has a place")

    with deployment.socket(supervisor) as socket:
        socket.send(json.dumps({"type": "watch", "watch": watch, "after": last}))
        missed = until(socket, "put")

    assert (missed["key"], missed["row"]["place"]) == (later, 2)


def test_agents_may_not_watch_expectations_of_a_queue(deployment: Deployment, shop: Shop) -> None:
    with deployment.socket(shop.agent(is_available=False)) as socket:
        socket.send(json.dumps({"type": "watch", "watch": f"expectations:{shop.queue_id}"}))
        refused = json.loads(socket.recv(WAIT_SECONDS_MAX))

    assert refused["problem"] == "/problems/not-allowed"


def test_a_visitor_sees_their_own_place_and_no_other(chat: Shop) -> None:
    with visitor(chat, places=True) as (first, _), visitor(chat, places=True) as (second, _):
        say(first, "message", id="m-1", text="Hello")
        hear(first)
        earlier = hear(first)
        say(second, "message", id="m-1", text="Hello")
        hear(second)
        later = hear(second)
        take_and_close(chat, chat.agent(capacity=2), 1)
        over, nearer = hear(first), hear(second)

    assert [frame["kind"] for frame in (earlier, later, over, nearer)] == ["place"] * 4
    assert [frame["place"] for frame in (earlier, later, over, nearer)] == [1, 2, 0, 1]
    assert earlier.keys() == {"kind", "place"}


def test_a_visitor_who_comes_back_learns_where_they_stand(chat: Shop) -> None:
    with visitor(chat, places=True) as (socket, welcome):
        say(socket, "message", id="m-1", text="Hello")
        position = hear(socket)["position"]
        hear(socket)

    with visitor(chat, welcome["token"], after=position, places=True) as (socket, _):
        again = hear(socket)

    assert again == {"kind": "place", "place": 1}


def test_who_does_not_ask_for_places_is_told_none(supervisor: Caller, chat: Shop) -> None:
    with visitor(chat) as (socket, _):
        say(socket, "message", id="m-1", text="Hello")
        hear(socket)
        wait_until(lambda: len(expectations(supervisor, chat)) == 1, what="they have a place")
        say(socket, "message", id="m-2", text="Anybody?")
        answer = hear(socket)

    assert (answer["kind"], answer["id"]) == ("stored", "m-2")
