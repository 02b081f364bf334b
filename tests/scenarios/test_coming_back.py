"""A socket drops at any moment; whoever comes back with a position misses nothing and sees nothing twice."""

import threading

from tests.api.deployment import Caller, Deployment
from tests.api.situations import a_shop
from tests.scenarios.screens import a_desk, a_screen

MESSAGES = 120
FRAMES_BETWEEN_DROPS = 15


def test_a_timeline_that_is_cut_again_and_again_is_seen_whole_and_once(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator)
    begun = shop.bring("ana", "line 0")
    watch = f"timeline:{begun['customer_id']}"
    supervisor.shown(f"/v1/customers/{begun['customer_id']}/timeline", params={"min_position": begun["position"]})
    with a_screen(deployment, supervisor) as screen:
        screen.watch(watch)
        screen.until(lambda: watch in screen.rows, "the timeline")
        position = screen.seen[watch]

    stored: list[int] = []
    writing = threading.Thread(
        target=lambda: stored.extend(shop.bring("ana", f"line {one}")["position"] for one in range(1, MESSAGES))
    )
    writing.start()
    shown: list[str] = []
    drops = 0
    while len(shown) < MESSAGES - 1:
        with a_screen(deployment, supervisor) as screen:
            screen.watch(watch, after=position)
            wanted = min(FRAMES_BETWEEN_DROPS, MESSAGES - 1 - len(shown))
            screen.until(lambda: sum(one["type"] == "put" for one in screen.frames) >= wanted, "more lines")  # noqa: B023  # used at once
            puts = [one for one in screen.frames if one["type"] == "put"]
            texts = [one["row"]["event"].get("content", {}).get("text") for one in puts]
            assert all(texts), "only messages are written here"
            assert not any(one["type"] == "snapshot" for one in screen.frames)
            shown += texts
            position, drops = screen.seen[watch], drops + 1
    writing.join()

    assert shown == [f"line {one}" for one in range(1, MESSAGES)]
    assert drops >= (MESSAGES - 1) // FRAMES_BETWEEN_DROPS


def test_an_inbox_learns_what_left_it_meanwhile(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator)
    with a_desk(shop) as desk:
        leaving, staying = shop.bring("ana"), shop.bring("ben")
        card = desk.accepts(desk.sees("offered", leaving["conversation_id"]))
        desk.accepts(desk.sees("offered", staying["conversation_id"]))
        before, position, agent = dict(desk.rows[desk.inbox]), desk.seen[desk.inbox], desk.agent

    closed = supervisor.done(f"/v1/customers/{card['customer_id']}/conversations/{card['id']}/close")
    supervisor.shown("/v1/conversations", params={"min_position": closed["position"]})

    with a_screen(deployment, agent) as again:
        again.rows[f"conversations:{agent.agent_id}"] = before
        again.watch("inbox", after=position)
        inbox = f"conversations:{agent.agent_id}"
        again.until(lambda: leaving["conversation_id"] not in again.rows[inbox], "it has left")
    assert set(again.rows[inbox]) == {staying["conversation_id"]}
