"""Views follow the log: whatever the batches, whoever else writes, and although some streams cannot be followed."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from typing_extensions import override

from application.follower import Follower
from application.projections.conversations import Card, Conversations
from application.projections.timeline import Timeline
from application.projections.view import Fenced, Row
from domain.event import Recorded
from domain.streams import topics_of
from infrastructure.views.board_store import BoardStore
from tests.application.views.histories import Town
from tests.application.views.situations import BOARDS, VIEWS, Views

pytestmark = pytest.mark.anyio

EVERYTHING = topics_of("customer", "conversation", "agent")


class Stumbling(Conversations):
    """Cannot fold certain events of one stream."""

    def __init__(self, stream: str, topic: str) -> None:
        self.stream = stream
        self.topic = topic

    @override
    def evolve(self, card: Card | None, recorded: Recorded) -> Card | None:
        if (recorded.stream, recorded.topic) == (self.stream, self.topic):
            raise KeyError("what the fold did not expect")
        return super().evolve(card, recorded)


class Unwritable(Conversations):
    """Gives rows of one stream that no database takes."""

    def __init__(self, stream: str) -> None:
        self.stream = stream

    @override
    def rows(self, card: Card, position: int) -> Sequence[Row]:
        rows = super().rows(card, position)
        return [Row(**(_fields(row) | {"status": "\0"})) for row in rows] if card.customer_id == self.stream else rows


def _fields(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


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

    expected = [row for card in cards.values() if card is not None for row in board.rows(card, 0)]
    seen = {(row[0], row[1]): bytes(row[5]) for row in await views.content(view, marks=False)}
    assert seen == {(row.scope, row.key): row.doc for row in expected}
    assert len(seen) > 3


async def test_a_timeline_has_one_entry_for_each_event_of_its_customer(town: Town, views: Views) -> None:
    await town.live(100)
    projection, timeline = views.projection("timeline"), Timeline()
    await views.catch_up(projection, 9)

    events = (await town.log.read(0, 10_000, timeline.topics))[0]
    seen = [(scope, position, bytes(doc)) for scope, position, _, doc in await views.content("timeline")]
    assert seen == sorted((row.scope, row.position, row.doc) for row in timeline.rows(events))


async def test_a_stream_that_cannot_be_followed_is_parked_and_the_others_go_on(town: Town, views: Views) -> None:
    li, wang = await town.message(), await town.message()
    parked_at = await town.log.head() - 1
    projection = views.board(Stumbling(wang, "conversation.message_received"))

    await views.catch_up(projection)
    await town.message(li, "once more")
    await town.message(wang, "once more")
    await views.catch_up(projection)

    (parked,) = projection.parked.values()
    assert (parked.projection, parked.stream, parked.position, parked.topic, parked.error, parked.attempts) == (
        "conversations", wang, parked_at, "conversation.message_received",
        "KeyError: 'what the fold did not expect'", 1,
    )  # fmt: skip
    previews = {row[9]: row[5] for row in await views.content("conversations")}
    assert b"once more" in previews[li]
    assert b"once more" not in previews[wang]


async def test_a_parked_stream_stays_parked_after_a_restart(town: Town, views: Views) -> None:
    wang = await town.message()
    before = views.board(Stumbling(wang, "conversation.message_received"))
    await views.catch_up(before)

    after = views.board(Conversations())
    await town.message(wang, "once more")
    await views.catch_up(after)

    assert after.parked == before.parked


async def test_a_replayed_stream_shows_what_it_would_have_shown(town: Town, views: Views) -> None:
    wang = await town.message()
    board = Stumbling(wang, "conversation.message_received")
    projection = views.board(board)
    await views.catch_up(projection)
    await town.live(60)
    await town.message(wang, "once more")
    await views.catch_up(projection)

    board.topic = ""
    still_parked = await projection.replay_parked(town.log)
    await town.message(wang, "and again")
    await views.catch_up(projection)

    assert not still_parked
    assert not projection.parked
    assert await views.content("conversations") == await views.rebuilt("conversations")


async def test_a_replay_that_fails_again_counts_its_attempts(town: Town, views: Views) -> None:
    wang = await town.message()
    projection = views.board(Stumbling(wang, "conversation.message_received"))
    await views.catch_up(projection)

    (again,) = await projection.replay_parked(town.log)
    (once_more,) = await projection.replay_parked(town.log)

    assert (again.attempts, once_more.attempts) == (2, 3)
    assert again.position == once_more.position


async def test_a_replay_elsewhere_is_noticed_by_whoever_follows(town: Town, views: Views) -> None:
    wang = await town.message()
    board = Stumbling(wang, "conversation.message_received")
    live, elsewhere = views.board(board), views.board(Conversations())
    follower = Follower(town.log, live)
    await follower.catch_up()

    await elsewhere.start()
    await elsewhere.replay_parked(town.log)
    board.topic = ""
    await town.message(wang, "once more")
    with pytest.raises(Fenced):
        await follower.catch_up()
    await views.catch_up(live)

    assert not live.parked
    assert b"once more" in (await views.content("conversations"))[0][5]


async def test_the_stream_whose_rows_the_database_refuses_is_found_and_parked(town: Town, views: Views) -> None:
    await town.live(80)
    wang = await town.message()
    await town.live(80)
    await town.message(wang, "once more")
    projection = views.board(Unwritable(wang))

    await views.catch_up(projection)

    assert list(projection.parked) == [wang]
    expected = [row for row in await views.rebuilt("conversations") if row[9] != wang]
    assert await views.content("conversations") == expected


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
