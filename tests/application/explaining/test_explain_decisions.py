"""Decisions are found and explained on the real log, with a view of them and without one."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from application.explaining.explain_decisions import ExplainDecisions
from application.explaining.stages import DecisionUnknown
from application.explaining.why_not import AgentUnclear
from application.follower import Follower
from application.projections.conversations import Conversations
from application.projections.decisions import Decisions
from application.projections.projection import projection_of
from domain.agent import Presence
from domain.assignment import OfferExpired, OfferWithdrawn
from domain.classification import ConversationOverflowed, ConversationRelaxed
from infrastructure.views.builds import store_of
from infrastructure.views.readers import PostgresViewReaders
from tests.application.situations import (
    Case,
    Shop,
    a_message,
    a_waiting_conversation,
    an_offered_conversation,
    an_open_shop,
    everything,
)
from tests.application.views.conftest import EMPTY

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """An open shop whose database has no views yet."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(EMPTY)
    async with an_open_shop(database_url) as opened:
        yield opened


@pytest.fixture
async def explain(shop: Shop) -> ExplainDecisions:
    return ExplainDecisions(shop.log, PostgresViewReaders(shop.log.pool))


async def the_views_follow(shop: Shop) -> None:
    for fold in (Decisions(), Conversations()):
        projection = projection_of(fold, store_of(shop.url, fold.name, fold.version))
        await Follower(shop.log, projection).catch_up()
        await projection.settle()
        await projection.close()


async def an_offer_after_some_history(shop: Shop) -> Case:
    """Others work, decline and leave before and after it."""
    first = await an_offered_conversation(shop, "first")
    await shop.decline(first)
    await shop.hire("Ola", capacity=2)
    case = await an_offered_conversation(shop, "second")
    await shop.turn(case.agent_id, Presence.OFFLINE)
    await shop.route()
    await a_waiting_conversation(shop, "third")
    return case


async def test_an_offer_is_explained_without_any_view(shop: Shop, explain: ExplainDecisions) -> None:
    case = await an_offer_after_some_history(shop)

    told = await explain.explain(await explain.offered(case.offer_id))

    assert (told.offer_id, told.conversation_id, told.customer_id) == (
        case.offer_id, case.conversation_id, case.customer_id,
    )  # fmt: skip
    assert told.assignment.agent_id == case.agent_id
    assert told.assignment.recomputed is True


async def test_an_offer_is_found_through_the_view_and_told_the_same(shop: Shop, explain: ExplainDecisions) -> None:
    case = await an_offer_after_some_history(shop)
    before = await explain.explain(await explain.offered(case.offer_id))

    await the_views_follow(shop)

    assert await explain.explain(await explain.offered(case.offer_id)) == before


async def test_an_offer_that_the_view_has_not_seen_yet_is_found_behind_it(
    shop: Shop, explain: ExplainDecisions
) -> None:
    await the_views_follow(shop)
    case = await an_offered_conversation(shop)

    offered = await explain.offered(case.offer_id)

    assert (await explain.latest_of(case.conversation_id)).position == offered.position


@pytest.mark.parametrize("has_views", [False, True])
async def test_the_newest_offer_of_a_conversation_is_found(
    shop: Shop, explain: ExplainDecisions, *, has_views: bool
) -> None:
    case = await an_offered_conversation(shop)
    await shop.decline(case)
    await shop.hire("Ola")
    await shop.route()
    again = await shop.case(case)
    if has_views:
        await the_views_follow(shop)

    newest = await explain.latest_of(case.conversation_id)

    assert again.offer_id != case.offer_id
    assert newest == await explain.offered(again.offer_id)


async def test_a_persons_transfer_is_told_as_their_choice(shop: Shop, explain: ExplainDecisions) -> None:
    case = await an_offered_conversation(shop)
    colleague = await shop.hire("Ola")
    await shop.steer.transfer_to_agent(shop.command("person-ada"), *case.ids, colleague, "knows it")

    told = await explain.explain(await explain.latest_of(case.conversation_id), case.agent_id)

    assert (told.assignment.agent_id, told.assignment.decided_by) == (colleague, "person-ada")
    assert told.assignment.recomputed is None


@pytest.mark.parametrize("has_views", [False, True])
async def test_what_was_never_offered_is_unknown(shop: Shop, explain: ExplainDecisions, *, has_views: bool) -> None:
    case = await a_waiting_conversation(shop)
    if has_views:
        await the_views_follow(shop)

    with pytest.raises(DecisionUnknown):
        await explain.offered("offer-" + "0" * 32)
    with pytest.raises(DecisionUnknown):
        await explain.latest_of(case.conversation_id)
    with pytest.raises(DecisionUnknown):
        await explain.latest_of("conversation-" + "0" * 32)


async def test_for_work_that_waits_everybody_is_told_with_what_stands_in_the_way(
    shop: Shop, explain: ExplainDecisions
) -> None:
    case = await a_waiting_conversation(shop)
    mei, ola = await shop.hire("Mei", capacity=0), await shop.hire("Ola")
    await shop.turn(ola, Presence.AWAY)

    told = await explain.unassigned(case.conversation_id, shop.clock(), "Ola")

    assert told is not None
    assert (told.customer_id, told.queue.queue_id, told.queue.place) == (case.customer_id, shop.queue_id, 1)
    assert {one.agent_id: one.excluded for one in told.candidates} == {
        mei: ("no room: 0 of 0 units held, 2 needed",),
        ola: ("away",),
    }
    assert told.why_not is not None
    assert (told.why_not.agent_id, told.why_not.answer) == (ola, "They could not be asked: away.")


async def test_what_is_offered_does_not_wait_for_anybody(shop: Shop, explain: ExplainDecisions) -> None:
    case = await an_offered_conversation(shop)

    assert await explain.unassigned(case.conversation_id, shop.clock()) is None


async def test_an_agent_is_meant_by_a_name_that_nobody_else_has(shop: Shop, explain: ExplainDecisions) -> None:
    ola = await shop.hire("Ola")
    await shop.turn(ola, Presence.AWAY)
    offered = await explain.offered((await an_offered_conversation(shop)).offer_id)

    told = await explain.explain(offered, "Ola")

    assert told.why_not is not None
    assert (told.why_not.agent_id, told.why_not.excluded) == (ola, ("away",))
    with pytest.raises(AgentUnclear, match="by id"):
        await explain.explain(offered, "Nobody")


async def test_of_a_name_that_two_agents_have_an_id_is_wanted(shop: Shop, explain: ExplainDecisions) -> None:
    several = sorted([await shop.hire("Ola"), await shop.hire("Ola")])
    offered = await explain.offered((await an_offered_conversation(shop)).offer_id)

    with pytest.raises(AgentUnclear, match=f"2 agents were called Ola: say which by id, {', '.join(several)}"):
        await explain.explain(offered, "Ola")


async def test_an_offer_that_ran_out_is_explained_by_its_position(shop: Shop, explain: ExplainDecisions) -> None:
    case = await an_offered_conversation(shop)
    shop.clock.wait(600)
    await shop.route()
    expired = next(one for one in await everything(shop.log) if isinstance(one.event, OfferExpired))

    told = await explain.step(await explain.at(expired.position))

    assert (told.position, told.topic, told.conversation_id) == (
        expired.position, "conversation.offer_expired", case.conversation_id,
    )  # fmt: skip
    assert case.offer_id in told.what
    assert told.because.startswith("nobody answered by ")
    assert told.recomputed


async def test_an_offer_that_was_taken_back_says_what_the_agent_lacks(shop: Shop, explain: ExplainDecisions) -> None:
    case = await an_offered_conversation(shop)
    await shop.staff.set_eligibility(shop.command(), case.agent_id, [], ["email"])
    await shop.route()
    withdrawn = next(one for one in await everything(shop.log) if isinstance(one.event, OfferWithdrawn))

    told = await explain.step(withdrawn)

    assert told.what == f"{case.offer_id} to {case.agent_id} was taken back; it waits again, with its age"
    assert told.because == "the reason was: not eligible: does not serve webchat"
    assert told.recomputed


async def test_a_relaxation_and_an_overflow_are_explained_by_their_rule_and_moment(
    shop: Shop, explain: ExplainDecisions
) -> None:
    other = await shop.open_queue("Anybody")
    strict = await shop.open_queue(
        "Strict",
        required_skills={"returns": 3},
        relaxation=[{"after_seconds": 60, "drop": ["returns"]}],
        overflow=[{"when": "waited", "limit": 120, "to_queue_id": other}],
    )
    await shop.receive(a_message(), account_id=await shop.open_account(queue_id=strict))
    for _ in range(2):
        shop.clock.wait(60)
        await shop.route()
    log = await everything(shop.log)
    relaxed = next(one for one in log if isinstance(one.event, ConversationRelaxed))
    overflowed = next(one for one in log if isinstance(one.event, ConversationOverflowed))

    of_relaxed, of_overflowed = await explain.step(relaxed), await explain.step(overflowed)

    assert of_relaxed.what.endswith("it asks for nothing in particular instead of returns 3")
    assert "the step is due 60 s later" in of_relaxed.because
    assert of_overflowed.what == "it went from Strict to Anybody"
    assert of_overflowed.because.startswith("rule 1 of Strict: after 120 s; it came in at ")
    assert of_relaxed.recomputed
    assert of_overflowed.recomputed


async def test_a_position_that_is_no_decision_says_what_it_is(shop: Shop, explain: ExplainDecisions) -> None:
    await a_waiting_conversation(shop)
    opened = next(one for one in await everything(shop.log) if one.topic == "conversation.opened")

    with pytest.raises(DecisionUnknown, match=r"conversation\.opened, which is no decision of routing"):
        await explain.step(opened)
    with pytest.raises(DecisionUnknown, match="nothing at position 999999"):
        await explain.at(999_999)
