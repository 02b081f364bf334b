"""Why not agent X? Every reason for which somebody can be left out is told, and who would have got it otherwise."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from application.explaining.stages import explanation_of, stands_at
from application.explaining.unassigned import unassigned
from domain.agent import Presence
from domain.assignment import ConversationOffered
from domain.conversation import Status
from domain.policy import RoutingPolicy
from tests.domain.routing.shop import Shop, replayed
from tests.domain.routing.situations import a_shop_with
from tests.domain.situations import KAI, MEI, OLA, QUEUE

RULES = RoutingPolicy(
    blocks={"call": ("chat",)}, at_most={"webchat": 1}, decline_rest_seconds=600, known_agent_seconds=60
)
STATUSES = tuple(Status)
Arrange = Callable[[Shop], None]


def a_shop() -> Shop:
    """Mei, Ola and Kai, who have been idle in this order, can do anything and have room for three chats or a call."""
    shop = a_shop_with(MEI, OLA, KAI, capacity=6)
    shop.adopt(RULES)
    shop.open_queue(QUEUE, {"returns": 3}, groups=["day"], relaxation=[{"after_seconds": 30, "drop": ["returns"]}])
    shop.open_queue("queue-other", {})
    for agent_id in (MEI, OLA, KAI):
        shop.train(agent_id, {"returns": 3})
        shop.entitle(agent_id, groups=["day"])
    return shop


def lose_a_skill_in_time(shop: Shop) -> None:
    shop.train(MEI, {"returns": 3}, {"returns": shop.now + timedelta(seconds=5)})
    shop.wait(5)


def give(channel: str, *agents: str) -> Arrange:
    """The agents, one after the other in their turns, are given something of this channel."""

    def arrange(shop: Shop) -> None:
        for agent_id in agents:
            shop.arrive(f"{channel} {agent_id}", "queue-other", channel=channel)
            shop.route()
            shop.accept(f"{channel} {agent_id}")

    return arrange


def decline(shop: Shop) -> None:
    shop.arrive("first", QUEUE)
    shop.route()
    shop.decline("first")


def know_the_customer(shop: Shop) -> None:
    """Ola served them last, because Mei was away."""
    shop.turn(MEI, Presence.AWAY)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.accept("first")
    shop.turn(MEI, Presence.AVAILABLE)
    shop.transfer("first", QUEUE)


def name_ola(shop: Shop) -> None:
    shop.arrive("first", QUEUE)
    shop.prefer("first", OLA)


def miss_an_offer(shop: Shop) -> None:
    shop.arrive("first", QUEUE)
    shop.route()
    shop.wait(20)


REASONS: dict[str, tuple[Arrange, str, str]] = {
    "skill": (lambda shop: shop.train(MEI, {}), "no skill returns at level 3, has 0", MEI),
    "level": (lambda shop: shop.train(MEI, {"returns": 2}), "no skill returns at level 3, has 2", MEI),
    "skill that ended": (lose_a_skill_in_time, "no skill returns at level 3, has 0", MEI),
    "group": (lambda shop: shop.entitle(MEI, groups=["night"]), "in none of the groups day", MEI),
    "channel": (
        lambda shop: shop.entitle(MEI, groups=["day"], channels=["email"]),
        "does not serve webchat",
        MEI,
    ),
    "away": (lambda shop: shop.turn(MEI, Presence.AWAY), "away", OLA),
    "signed out": (lambda shop: shop.turn(MEI, Presence.OFFLINE), "offline", OLA),
    "capacity": (lambda shop: shop.allow(MEI, 1), "no room: 0 of 1 units held, 2 needed", MEI),
    "blocked": (give("phone", MEI), "blocked by call", OLA),
    "of a channel": (give("webchat", MEI), "no room: 1 of at most 1 of webchat", OLA),
    "declined": (decline, "declined it, rests until 2026-11-11T12:13:00+00:00", MEI),
    "known agent": (know_the_customer, f"it waits for {OLA}, who knows the customer", KAI),
    "named agent": (name_ola, f"it waits for {OLA}, who was named for it", MEI),
    "missed": (miss_an_offer, "away, because an offer to them has just run out", OLA),
}


@pytest.mark.parametrize(("arrange", "reason", "otherwise"), REASONS.values(), ids=list(REASONS))
def test_every_reason_for_which_an_agent_was_left_out_is_told(arrange: Arrange, reason: str, otherwise: str) -> None:
    shop = a_shop()
    arrange(shop)
    if "first" not in [one.id for _, one in shop.every(*STATUSES)]:
        shop.arrive("first", QUEUE)
    shop.route()

    offered = [one for one in shop.log if isinstance(one.event, ConversationOffered)][-1]
    history = [one for one in shop.log if one.stream == offered.stream]
    told = explanation_of(offered, history, replayed(shop.log[: stands_at(offered)]), MEI)

    assert told.assignment.agent_id == OLA
    assert told.assignment.recomputed
    assert told.why_not is not None
    assert told.why_not.excluded == (reason,)
    assert told.why_not.answer == f"They could not be asked: {reason}."
    assert told.why_not.winner_otherwise == otherwise


def test_while_the_queue_is_closed_that_is_why_nobody_is_asked() -> None:
    shop = a_shop()
    hours = {"time_zone": "UTC", "weekly": {"wed": [["23:00", "24:00"]]}}
    shop.open_queue(QUEUE, {}, opening_hours=hours)
    shop.arrive("first", QUEUE)

    told = unassigned(shop.router, shop.now, "first", [], MEI)

    assert told is not None
    assert (told.is_closed, told.candidates) == (True, [])
    assert told.why_not is not None
    assert told.why_not.answer == "Nobody is asked: the queue is closed until 2026-11-11T23:00:00+00:00."


@pytest.mark.parametrize(
    ("agent_id", "answer"),
    [
        (MEI, "They could not be asked: no room: 0 of 1 units held, 2 needed."),
        ("agent-nobody", "There is no such agent."),
    ],
)
def test_what_waits_says_why_not_somebody(agent_id: str, answer: str) -> None:
    shop = a_shop()
    for everybody in (MEI, OLA, KAI):
        shop.allow(everybody, 1)
    shop.arrive("first", QUEUE)

    told = unassigned(shop.router, shop.now, "first", [], agent_id)

    assert told is not None
    assert told.why_not is not None
    assert told.why_not.answer == answer
