"""The socket of people: who gets in, what they see, and that they see nothing they may not see any more."""

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from application.watching.viewer import TooSlow
from domain.person import Role
from tests.api.deployment import ORIGIN, WAIT_SECONDS_MAX, Caller, Deployment
from tests.api.situations import Shop, a_held_conversation, a_shop


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator)


def say(socket: ClientConnection, **frame: Any) -> None:
    socket.send(json.dumps(frame))


def hear(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of that type; quiet positions in between do not matter."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(WAIT_SECONDS_MAX))
        if frame["type"] != "position":
            assert frame["type"] == kind, frame
            return frame


def code_of(socket: ClientConnection) -> int:
    """With which code the server ends the socket."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            socket.recv(WAIT_SECONDS_MAX)
    return socket.close_code or 0


@contextmanager
def watching(deployment: Deployment, caller: Caller, watch: str) -> Iterator[tuple[ClientConnection, dict[str, Any]]]:
    """A socket that watches, and the snapshot it got."""
    with deployment.socket(caller) as socket:
        say(socket, type="watch", watch=watch)
        hear(socket, "watching")
        yield socket, hear(socket, "snapshot")


def test_an_agent_sees_an_offer_the_moment_it_is_made(deployment: Deployment, shop: Shop) -> None:
    agent = shop.agent()

    with watching(deployment, agent, "inbox") as (socket, snapshot):
        taken = shop.bring("ana")
        offered = hear(socket, "put")

    assert snapshot["rows"] == []
    assert offered["watch"] == f"conversations:{agent.agent_id}"
    assert offered["key"] == taken["conversation_id"]
    assert offered["row"]["conversation"]["status"] == "offered"
    assert offered["position"] > taken["position"]


def test_who_comes_back_gets_what_was_missed(deployment: Deployment, shop: Shop, supervisor: Caller) -> None:
    first = shop.bring("ana")
    watch = f"timeline:{first['customer_id']}"
    with watching(deployment, supervisor, watch) as (_, snapshot):
        last = snapshot["position"]
    missed = [shop.bring("ana", f"line {number}")["position"] for number in range(3)]
    supervisor.shown(f"/v1/customers/{first['customer_id']}/timeline", params={"min_position": missed[-1]})

    with deployment.socket(supervisor) as socket:
        say(socket, type="watch", watch=watch, after=last)
        hear(socket, "watching")
        positions = [hear(socket, "put")["position"] for _ in missed]

    assert positions == missed


def test_boards_are_watched_by_supervisors(deployment: Deployment, shop: Shop, supervisor: Caller) -> None:
    with watching(deployment, supervisor, f"queue_board:{shop.queue_id}") as (socket, snapshot):
        taken = shop.bring("ana")
        waiting = hear(socket, "put")
        say(socket, type="watch", watch="agent_board")
        hear(socket, "watching")
        team = hear(socket, "snapshot")

    assert snapshot["rows"] == []
    assert waiting["row"]["id"] == taken["conversation_id"]
    assert team["watch"] == "agent_board:team"


@pytest.mark.parametrize("watch", ["inbox2", "timeline:", "timeline:x", "secrets:all", "queue_board:agent-" + "0" * 32])
def test_a_watch_that_does_not_exist_is_a_problem(deployment: Deployment, supervisor: Caller, watch: str) -> None:
    with deployment.socket(supervisor) as socket:
        say(socket, type="watch", watch=watch)
        refused = hear(socket, "problem")

    assert (refused["problem"], refused["watch"]) == ("/problems/unknown", watch)


def test_an_agent_may_not_watch_what_is_not_theirs(deployment: Deployment, shop: Shop) -> None:
    held, stranger = a_held_conversation(shop), a_shop(deployment, shop.administrator).agent()
    watches = {
        f"timeline:{held.customer_id}": "/problems/unknown",
        f"conversations:{held.agent.agent_id}": "/problems/unknown",
        "conversations:all": "/problems/unknown",
        f"queue_board:{shop.queue_id}": "/problems/not-allowed",
        "agent_board": "/problems/not-allowed",
    }

    with deployment.socket(stranger) as socket:
        for watch, refusal in watches.items():
            say(socket, type="watch", watch=watch)
            assert hear(socket, "problem")["problem"] == refusal


@pytest.mark.parametrize("verb", ["close", "transfer"])
def test_a_timeline_ends_for_the_agent_who_loses_the_conversation(
    deployment: Deployment, shop: Shop, supervisor: Caller, verb: str
) -> None:
    held = a_held_conversation(shop)
    other = a_shop(deployment, shop.administrator)

    with watching(deployment, held.agent, f"timeline:{held.customer_id}") as (socket, _):
        supervisor.done(f"{held.path}/{verb}", {"to_queue_id": other.queue_id} if verb == "transfer" else {})
        frames = [json.loads(socket.recv(WAIT_SECONDS_MAX))]
        while frames[-1]["type"] != "unwatched":
            frames.append(json.loads(socket.recv(WAIT_SECONDS_MAX)))
        supervisor.done(f"{held.path}/note", {"text": "not for the agent"})
        say(socket, type="ping")
        after = json.loads(socket.recv(WAIT_SECONDS_MAX))

    assert frames[-1]["watch"] == f"timeline:{held.customer_id}"
    assert frames[-1]["reason"] == "you may not see it any more"
    assert after == {"type": "pong"}
    assert not [frame for frame in frames if frame.get("watch", "").startswith("conversations:")]


def test_a_barred_person_is_cut_off_at_once(deployment: Deployment, shop: Shop, administrator: Caller) -> None:
    somebody = deployment.person(Role.SUPERVISOR)

    with watching(deployment, somebody, "conversations:all") as (socket, _):
        administrator.done(f"/v1/people/{somebody.id}/bar")
        while (frame := json.loads(socket.recv(WAIT_SECONDS_MAX)))["type"] != "unwatched":
            pass
        code = code_of(socket)

    assert frame["reason"] == "you are signed out"
    assert code == 4401
    assert shop.queue_id


def test_a_new_role_ends_the_watches_it_does_not_allow(
    deployment: Deployment, shop: Shop, administrator: Caller
) -> None:
    somebody = deployment.person(Role.SUPERVISOR)

    with watching(deployment, somebody, f"queue_board:{shop.queue_id}") as (socket, _):
        administrator.done(f"/v1/people/{somebody.id}/give_role", {"role": "administrator"})
        ended = hear(socket, "unwatched")
        say(socket, type="ping")
        hear(socket, "pong")

    assert ended["watch"] == f"queue_board:{shop.queue_id}"


def test_unwatching_is_confirmed_and_nothing_more_comes(deployment: Deployment, shop: Shop, supervisor: Caller) -> None:
    with watching(deployment, supervisor, f"queue_board:{shop.queue_id}") as (socket, _):
        say(socket, type="unwatch", watch=f"queue_board:{shop.queue_id}")
        hear(socket, "unwatched")
        shop.bring("ana")
        say(socket, type="ping")

        assert hear(socket, "pong") == {"type": "pong"}


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        ("", "empty"),
        ("{", "truncated"),
        ('{"type": "dance"}', "dance"),
        ('{"type": "watch"}', "missing required field"),
        ('{"type": "watch", "watch": "inbox", "after": -1}', ">= 0"),
        ('{"type": "watch", "watch": "inbox", "colour": 1}', "unknown field"),
        ('{"type": "ping"' + " " * 10 + ', "x": ' + "[" * 1_000, "unknown field"),
        ("[" * 3_000, ""),
    ],
)
def test_an_unreadable_frame_is_a_problem_and_the_socket_goes_on(
    deployment: Deployment, supervisor: Caller, frame: str, detail: str
) -> None:
    with deployment.socket(supervisor) as socket:
        socket.send(frame)
        refused = hear(socket, "problem")
        say(socket, type="ping")
        hear(socket, "pong")

    assert refused["problem"] == "/problems/invalid"
    assert detail in refused["detail"]


def test_a_ticket_opens_one_socket_once(deployment: Deployment, supervisor: Caller) -> None:
    ticket = supervisor.done("/v1/tickets")["ticket"]
    address = f"/v1/socket?ticket={ticket}"

    with deployment.open(address) as first:
        say(first, type="ping")
        hear(first, "pong")
        with deployment.open(address) as second:
            code = code_of(second)

    assert code == 4401


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=x.y.z", "?ticket=%00"])
def test_without_a_ticket_the_socket_ends(deployment: Deployment, query: str) -> None:
    with deployment.open(f"/v1/socket{query}") as socket:
        assert code_of(socket) == 4401


def test_a_token_opens_no_socket(deployment: Deployment, supervisor: Caller) -> None:
    token = supervisor.headers["Authorization"].partition(" ")[2]

    with deployment.open(f"/v1/socket?ticket={token}") as socket:
        assert code_of(socket) == 4401


def test_a_page_that_is_not_on_the_list_is_refused(deployment: Deployment, supervisor: Caller) -> None:
    with deployment.socket(supervisor, origin="https://evil.example") as socket:
        assert code_of(socket) == 4403
    with deployment.socket(supervisor, origin=ORIGIN) as socket:
        say(socket, type="ping")
        hear(socket, "pong")


def test_administrators_and_adapters_get_no_ticket(shop: Shop) -> None:
    assert shop.administrator.post("/v1/tickets").status_code == 403
    assert shop.adapter.post("/v1/tickets").status_code == 403


def test_too_much_too_fast_too_large_and_binary_end_the_socket(deployment: Deployment, supervisor: Caller) -> None:
    with deployment.socket(supervisor) as socket:
        socket.send(" " * 5_000)
        too_large = code_of(socket)
    with deployment.socket(supervisor) as socket:
        socket.send(b"\x00")
        binary = code_of(socket)
    with deployment.socket(supervisor, max_queue=None) as socket:
        try:
            for _ in range(500):
                say(socket, type="ping")
        except ConnectionClosed:
            pass
        too_many = code_of(socket)

    assert (too_large, binary, too_many) == (1009, 4400, 4429)


def test_a_client_that_does_not_read_is_cut_off_by_a_code(deployment: Deployment, supervisor: Caller) -> None:
    async def cut_off() -> None:
        for viewer in [one for one in deployment.parts.hub._watches if one.who == supervisor.id]:
            viewer.end(TooSlow)

    with deployment.socket(supervisor) as socket:
        say(socket, type="ping")
        hear(socket, "pong")
        deployment.run(cut_off())
        code = code_of(socket)

    assert code == 4408


def test_compression_is_refused(deployment: Deployment, supervisor: Caller) -> None:
    ticket = supervisor.done("/v1/tickets")["ticket"]

    with deployment.open(f"/v1/socket?ticket={ticket}", compression="deflate") as socket:
        assert socket.response is not None
        assert "sec-websocket-extensions" not in socket.response.headers


def test_a_subprotocol_may_be_asked_for(deployment: Deployment, supervisor: Caller) -> None:
    ticket = supervisor.done("/v1/tickets")["ticket"]
    address = f"/v1/socket?ticket={ticket}"

    with deployment.open(address, subprotocols=["other", "onethread.v1"]) as socket:
        assert socket.subprotocol == "onethread.v1"


def test_open_sockets_are_counted(deployment: Deployment, supervisor: Caller) -> None:
    with deployment.socket(supervisor) as socket:
        say(socket, type="ping")
        hear(socket, "pong")

        assert 'onethread_sockets{kind="people"}' in deployment.anybody().get("/metrics").text
