"""Views follow the log: whatever the batches, whoever else writes, and although some streams cannot be followed."""

import asyncio
import random
from typing import Any

import pytest

from application.follower import Follower
from application.projections.lines import Draft, Lines
from application.projections.timeline import Timeline
from application.projections.view import Fenced, encode
from domain.streams import topics_of
from infrastructure.views.board_store import BoardStore
from tests.application.views.histories import Town
from tests.application.views.situations import BOARDS, VIEWS, Views

pytestmark = pytest.mark.anyio

EVERYTHING = topics_of("customer", "conversation", "agent")


@pytest.mark.parametrize("seed", range(4))
async def test_a_rebuilt_view_equals_the_view_as_it_grew(town: Town, views: Views, seed: int) -> None:
    town.random.seed(seed)
    chance = random.Random(seed)
    grown = {view: views.projection(view, cards_max=chance.choice((1, 7, 1_000))) for view in VIEWS}
    for _ in range(12):
        await town.live(chance.randrange(1, 40))
        for projection in grown.values():
            await views.catch_up(projection, chance.choice((1, 3, 50)))

    for view, projection in grown.items():
        rebuilt = await views.rebuilt(view, chance.choice((2, 1_000)), chance.choice((2, 7, 1_000)))

        assert rebuilt == await views.content(view), f"{view}, seed {seed}"
        assert projection.position == await town.log.head()


@pytest.mark.parametrize("view", BOARDS)
async def test_a_board_shows_what_a_plain_fold_of_the_log_gives(town: Town, views: Views, view: str) -> None:
    await town.live(300)
    projection, board, cards = views.projection(view, cards_max=5), BOARDS[view], dict[str, Any]()
    await views.catch_up(projection, 17)

    for recorded in (await town.log.read(0, 10_000, board.topics))[0]:
        if (key := board.key(recorded)) is not None:
            cards[key] = board.evolve(cards.get(key), recorded)

    expected = [row for card in cards.values() if card is not None for row in board.rows(card, 0, encode(card))]
    seen = {(row[0], row[1]): bytes(row[5]) for row in await views.content(view, marks=False)}
    assert seen == {(row.scope, row.key): row.doc for row in expected}
    assert len(seen) > 3


async def test_a_timeline_shows_what_a_plain_fold_of_the_log_gives(town: Town, views: Views) -> None:
    await town.live(300)
    projection, draft = views.projection("timeline", cards_max=5), Draft(Lines())
    await views.catch_up(projection, 9)

    events = (await town.log.read(0, 10_000, Timeline.topics))[0]
    for recorded in events:
        draft.take(recorded)

    seen = [(scope, position, changed, bytes(row[-1])) for scope, position, changed, *row in await _shown(views)]
    rows = [row for row in draft.rows() if not row.is_gone]
    assert seen == sorted((row.scope, int(row.key), row.position, row.doc) for row in rows)
    assert 100 < len(rows) < len(events)


async def _shown(views: Views) -> list[tuple[Any, ...]]:
    return await views.content("timeline", marks=False)


async def test_of_two_writers_the_one_behind_is_fenced_and_writes_nothing(town: Town, views: Views) -> None:
    for view in VIEWS:
        ahead, behind = views.projection(view), views.projection(view)
        await behind.start()
        await town.live(30)
        await views.catch_up(ahead)
        before = await views.content(view)

        batch, upto = await town.log.read(behind.position, 5, EVERYTHING)
        with pytest.raises(Fenced):
            await behind.take(batch, upto)

        assert await views.content(view) == before
        assert await behind.start() == ahead.position


async def test_a_fenced_follower_goes_on_from_where_the_view_stands(town: Town, views: Views) -> None:
    one, other = views.projection("conversations"), views.projection("conversations")
    followers = [Follower(town.log, one), Follower(town.log, other)]
    for follower in (*followers, *followers):
        await town.live(10)
        try:
            await follower.catch_up()
        except Fenced:  # as `Follower.run` does
            follower.position = await follower.reaction.start()
            await follower.catch_up()

    assert await views.content("conversations") == await views.rebuilt("conversations")


async def test_marks_of_rows_that_left_are_purged_behind_the_horizon(town: Town, views: Views) -> None:
    projection = views.board(BOARDS["queue_board"])
    store = projection._store
    assert isinstance(store, BoardStore)
    await town.live(300)
    store.marks_kept_positions, store.tidy_every_positions = 50, 1

    head = await views.catch_up(projection)

    marks = [row[2] for row in await views.content("queue_board") if row[3]]
    horizon = await views.select("SELECT horizon FROM onethread_views")
    assert horizon == [(head - 50,)]
    assert marks
    assert min(marks) > head - 50


async def test_the_position_is_stored_a_little_later_when_nothing_concerns_the_view(town: Town, views: Views) -> None:
    projection = views.projection("agent_board")
    follower = Follower(town.log, projection)
    await follower.catch_up()
    saved = asyncio.Event()
    projection.on_advanced.append(lambda *_: saved.set())

    await town.message()
    await follower.catch_up()
    assert (projection.position, follower.position) == (0, await town.log.head())
    await asyncio.wait_for(saved.wait(), 10)

    assert await views.projection("agent_board").start() == projection.position == await town.log.head()


async def test_whoever_is_fenced_while_nothing_concerns_the_view_learns_of_it(town: Town, views: Views) -> None:
    one, other = views.projection("agent_board"), views.projection("agent_board")
    follower = Follower(town.log, one)
    await follower.catch_up()
    await town.message()
    await views.catch_up(other)
    await follower.catch_up()
    with pytest.raises(Fenced):
        await one.settle()
    assert one._saving_later is not None
    await asyncio.gather(one._saving_later, return_exceptions=True)

    await town.message()
    with pytest.raises(Fenced):
        await follower.catch_up()


async def test_every_view_starts_empty_and_live(town: Town, views: Views) -> None:
    for view, projection in views.all().items():
        assert await projection.start() == 0
        assert await views.content(view) == []
