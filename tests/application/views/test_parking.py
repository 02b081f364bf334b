"""Streams that a view cannot follow: parked alone, replayed when it can, and never lost."""

import asyncio

import psycopg
import pytest

from application.follower import Follower
from application.projections.conversations import Conversations
from application.projections.parking import TooManyParked
from application.projections.view import Fenced
from tests.application.views.histories import Town
from tests.application.views.situations import Stumbling, Untellable, Unwritable, Views

pytestmark = pytest.mark.anyio


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


async def test_a_replay_gives_way_to_a_follower_who_moves_on_meanwhile(town: Town, views: Views) -> None:
    wang = await town.message()
    live, elsewhere = views.board(Stumbling(wang, "conversation.message_received")), views.board(Conversations())
    await views.catch_up(live)
    await elsewhere.start()

    async with await psycopg.AsyncConnection.connect(views.url) as follower:
        await follower.execute("SELECT 1 FROM onethread_views FOR SHARE")
        await follower.execute("UPDATE onethread_tracking SET notification_id = notification_id + 1")
        replaying = asyncio.create_task(elsewhere.replay_parked(town.log))
        while await views.select("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
            assert not replaying.done()

    with pytest.raises(Fenced):
        await replaying


async def test_a_view_that_would_park_too_many_streams_stands_still(
    town: Town, views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.projections.projection.PARKED_STREAMS_MAX", 0)
    projection = views.board(Stumbling(await town.message(), "conversation.message_received"))

    with pytest.raises(TooManyParked):
        await views.catch_up(projection)

    assert await views.projection("conversations").start() == 0


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


async def test_a_stream_whose_card_cannot_be_written_down_is_parked_alone(town: Town, views: Views) -> None:
    wang = await town.message()
    await town.live(40)
    await town.message(wang, "once more")
    projection = views.board(Untellable(wang))

    await views.catch_up(projection)

    assert list(projection.parked) == [wang]
    expected = [row for row in await views.rebuilt("conversations") if row[9] != wang]
    assert await views.content("conversations") == expected
