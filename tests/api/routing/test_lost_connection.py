"""An agent whose screens are all gone for too long is signed out, on whichever nodes they were; nobody else is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from api.sockets.attendance import RENEW_SECONDS
from application.policies.sign_out_lost import SignOutLost
from domain.policy import RoutingPolicy
from infrastructure.agent_leases import PostgresAgentLeases
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Held, Shop, a_held_conversation
from tests.scenarios.screens import Screen
from tests.waiting import wait_until

GRACE_SECONDS = RoutingPolicy().lost_connection_seconds
VOUCHING = "SELECT node FROM onethread_agent_leases WHERE agent_id = %s ORDER BY node"


def in_seconds(deployment: Deployment, seconds: float) -> datetime:
    return deployment.parts.clock() + timedelta(seconds=seconds)


@contextmanager
def a_screen_of(deployment: Deployment, agent: Caller) -> Iterator[Screen]:
    """Open, and known to be."""
    with deployment.socket(agent) as socket:
        screen = Screen(socket)
        screen.watch("me")
        yield screen


def sweep(deployment: Deployment, at: datetime) -> None:
    """What the process that looks for lost agents does at that time."""
    parts = deployment.parts
    deployment.run(SignOutLost(parts.attendance.leases, parts.staff, parts.directory, parts.clock).sweep(at))


def renew(deployment: Deployment, at: datetime) -> None:
    """What a node does for all who have a screen open there."""
    deployment.run(deployment.parts.attendance.renew(at))


def standing(deployment: Deployment, agent: Caller) -> tuple[str, str]:
    """Presence and why, as the board has it now."""
    head = deployment.run(deployment.parts.log.head())
    card = agent.shown(f"/v1/agents/{agent.agent_id}", params={"min_position": head})
    return card["agent"].get("presence", "offline"), card.get("presence_reason", "")


def waits_again(held: Held, supervisor: Caller) -> dict[str, Any]:
    """The card on the queue's board, once it is there."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        board = supervisor.shown(f"/v1/queues/{held.shop.queue_id}/board", params={"limit": 200})
        found.extend(one for one in board["items"] if one["id"] == held.conversation_id)
        return bool(found)

    wait_until(is_there, what="the conversation waits again")
    return found[0]


def waiting_since(held: Held) -> str:
    card = held.agent.shown(f"/v1/conversations/{held.conversation_id}")
    since: str = card["conversation"]["waiting_since"]
    return since


def test_who_stays_away_too_long_is_signed_out_and_their_work_waits_with_its_age(
    deployment: Deployment, shop: Shop, supervisor: Caller
) -> None:
    held = a_held_conversation(shop)
    came = waiting_since(held)
    with a_screen_of(deployment, held.agent):
        pass
    closed_at = in_seconds(deployment, 0)

    sweep(deployment, closed_at + timedelta(seconds=GRACE_SECONDS - 1))
    within_the_grace = standing(deployment, held.agent)
    sweep(deployment, closed_at + timedelta(seconds=GRACE_SECONDS + RENEW_SECONDS))
    after_it = standing(deployment, held.agent)

    assert within_the_grace == ("available", "")
    assert after_it == ("offline", "connection lost")
    assert waits_again(held, supervisor)["waiting_since"] == came


def test_who_comes_back_in_time_keeps_everything(deployment: Deployment, shop: Shop) -> None:
    held = a_held_conversation(shop)
    with a_screen_of(deployment, held.agent):
        pass

    with a_screen_of(deployment, held.agent):
        renew(deployment, in_seconds(deployment, GRACE_SECONDS - 1))
        sweep(deployment, in_seconds(deployment, GRACE_SECONDS + 30))

        assert standing(deployment, held.agent) == ("available", "")
        assert held.agent.post(f"{held.path}/note", {"text": "still mine"}).status_code == 201


def test_one_of_two_screens_is_enough(deployment: Deployment, shop: Shop) -> None:
    agent = shop.agent()
    wait_until(lambda: deployment.parts.hub.viewers == 0, what="the screens of earlier tests are gone")

    with a_screen_of(deployment, agent):
        with a_screen_of(deployment, agent):
            assert deployment.parts.hub.viewers == 2
        wait_until(lambda: deployment.parts.hub.viewers == 1, what="the server has seen one go")
        renew(deployment, in_seconds(deployment, GRACE_SECONDS))
        sweep(deployment, in_seconds(deployment, GRACE_SECONDS + 30))

        assert standing(deployment, agent) == ("available", "")


def test_who_never_opened_a_screen_has_nothing_to_lose(deployment: Deployment, shop: Shop) -> None:
    program = shop.agent()

    sweep(deployment, in_seconds(deployment, 365 * 86_400))

    assert standing(deployment, program) == ("available", "")


def test_a_killed_node_keeps_nobody_signed_in_and_signs_nobody_out_who_is_elsewhere(
    deployment: Deployment, shop: Shop
) -> None:
    lost, elsewhere = shop.agent(), shop.agent()
    killed = PostgresAgentLeases(deployment.parts.log.pool, "node-killed")
    with a_screen_of(deployment, elsewhere):
        deployment.run(killed.renew([lost.agent_id, elsewhere.agent_id], GRACE_SECONDS))

        renew(deployment, in_seconds(deployment, GRACE_SECONDS - 1))
        sweep(deployment, in_seconds(deployment, GRACE_SECONDS + 1))

        assert standing(deployment, lost) == ("offline", "connection lost")
        assert standing(deployment, elsewhere) == ("available", "")
        left = deployment.run(deployment.parts.log.pool.execute(VOUCHING, (elsewhere.agent_id,)))
        assert [node for (node,) in left if node == "node-killed"] == []
        assert len(left) == 1


def test_who_went_home_before_is_not_signed_out_twice(deployment: Deployment, shop: Shop) -> None:
    agent = shop.agent()
    with a_screen_of(deployment, agent):
        agent.done(f"/v1/agents/{agent.agent_id}/change_presence", {"presence": "offline", "reason": "home"})
    head = deployment.run(deployment.parts.log.head())

    sweep(deployment, in_seconds(deployment, GRACE_SECONDS + 30))

    events = deployment.run(deployment.parts.log.read_stream(agent.agent_id, 0))
    assert [one for one in events if one.position > head] == []
    assert standing(deployment, agent) == ("offline", "home")
    assert deployment.run(deployment.parts.log.pool.execute(VOUCHING, (agent.agent_id,))) == []


def test_an_agent_whose_person_is_barred_leaves_their_work_to_others(
    deployment: Deployment, administrator: Caller, supervisor: Caller, shop: Shop
) -> None:
    held = a_held_conversation(shop)

    administrator.done(f"/v1/people/{held.agent.id}/bar")

    assert waits_again(held, supervisor)["id"] == held.conversation_id
    card = supervisor.shown(f"/v1/agents/{held.agent.agent_id}")
    assert (card["agent"].get("presence", "offline"), card["presence_reason"]) == ("offline", "barred")


def test_an_agent_is_shown_at_once_that_they_missed_an_offer(deployment: Deployment, shop: Shop) -> None:
    queue = {"name": "Hasty", "required_skills": {shop.skill: 1}, "offer_timeout_seconds": 1}
    shop.administrator.done(f"/v1/queues/{shop.queue_id}/define", queue)
    agent = shop.agent()

    with a_screen_of(deployment, agent) as screen:
        own = f"agent_board:{agent.agent_id}"
        shop.bring("ana")
        screen.until(
            lambda: screen.rows.get(own, {}).get(agent.agent_id, {}).get("presence_reason") == "missed an offer",
            "they missed it",
        )

        assert screen.rows[own][agent.agent_id]["agent"]["presence"] == "away"


def test_an_agent_sees_no_other_agents_card(deployment: Deployment, shop: Shop, supervisor: Caller) -> None:
    agent, other = shop.agent(), shop.agent()

    with deployment.socket(agent) as socket:
        socket.send(f'{{"type": "watch", "watch": "agent_board:{other.agent_id}"}}')
        refused = socket.recv(10)
    with deployment.socket(supervisor) as socket:
        screen = Screen(socket)
        screen.watch(f"agent_board:{other.agent_id}")
        screen.until(lambda: f"agent_board:{other.agent_id}" in screen.rows, "the card")

    assert "/problems/unknown" in str(refused)
