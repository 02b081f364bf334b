"""Decisions are found and explained on the real log, with a view of them and without one."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from application.explaining.explain_decisions import ExplainDecisions
from application.explaining.stages import DecisionUnknown
from application.follower import Follower
from application.projections.conversations import Conversations
from application.projections.decisions import Decisions
from application.projections.projection import projection_of
from domain.agent import Presence
from infrastructure.views.builds import store_of
from infrastructure.views.readers import PostgresViewReaders
from tests.application.situations import Case, Shop, a_waiting_conversation, an_offered_conversation, an_open_shop
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
