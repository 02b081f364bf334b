"""The view of decisions: every offer with what came of it, for everybody and for each agent."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from application.views import DecisionFilter, ViewReaders
from domain import offers, workload
from domain.assignment import Choice
from domain.conversation import Status
from domain.workload import Ask
from tests.application.views.histories import NOON, Town
from tests.application.views.situations import Views

pytestmark = pytest.mark.anyio

CHOICE = Choice(
    position=4, ordinal=0, decided_at=NOON, policy_version=3, rule="longest_idle", score=12.5, eligible=1
)  # fmt: skip


async def offered(town: Town, *, choice: Choice | None = None) -> tuple[str, str]:
    """A new conversation is offered to an agent. The offer and the agent."""
    who = await town.message()
    while not town.streams("agent"):
        await town.append(*town._staff())
    (to, *_), ((_, one),) = town.streams("agent"), [
        found for found in town.conversations(Status.WAITING) if found[0] == who
    ]  # fmt: skip
    offer_id = town.new("offer")
    made = offers.offer(
        one, offer_id=offer_id, agent_id=to, units=1, expires_at=town.now + timedelta(minutes=1), choice=choice
    )
    load = workload.take_load(
        town.states[to][0], conversation_id=one.id, customer_id=who, ask=Ask(channel=one.channel, units=1)
    )
    await town.append((who, made), (to, load))
    return offer_id, to


async def page(readers: ViewReaders, **which: Any) -> list[dict[str, Any]]:
    found = await readers.decisions(DecisionFilter(**which))
    return [msgspec.json.decode(row) for row in found.rows]


async def test_a_decision_of_the_router_names_its_policy_and_position(
    town: Town, views: Views, readers: ViewReaders
) -> None:
    offer_id, to = await offered(town, choice=CHOICE)

    await views.catch_up(views.projection("decisions"))

    (shown,) = await page(readers)
    assert (shown["id"], shown["agent_id"], shown["decided_at_position"], shown["policy_version"]) == (
        offer_id, to, 4, 3,
    )  # fmt: skip
    recorded = await town.log.at(shown["position"])
    assert recorded is not None
    assert recorded.topic == "conversation.offered"


async def test_what_came_of_an_offer_is_told_with_its_reason(town: Town, views: Views, readers: ViewReaders) -> None:
    offer_id, to = await offered(town)
    ((who, one),) = town.conversations(Status.OFFERED)
    await town.append((who, offers.decline_offer(one, offer_id=offer_id, agent_id=to, reason="lunch")))

    await views.catch_up(views.projection("decisions"))

    (shown,) = await page(readers, outcome="declined")
    assert (shown["id"], shown["reason"]) == (offer_id, "lunch")
    assert await page(readers, outcome="accepted") == []


async def test_decisions_are_found_by_agent_and_by_queue_newest_first(
    town: Town, views: Views, readers: ViewReaders
) -> None:
    first, to = await offered(town)
    second, _ = await offered(town)

    await views.catch_up(views.projection("decisions"))

    of_agent = await page(readers, agent_id=to)
    assert [shown["id"] for shown in of_agent] == [second, first]
    of_queue = await page(readers, queue_id=of_agent[0]["queue_id"])
    assert {shown["queue_id"] for shown in of_queue} == {of_agent[0]["queue_id"]}
    assert second in [shown["id"] for shown in of_queue]
    assert await page(readers, agent_id=town.new("agent")) == []
