"""Attachments are got right after their message, once, and how that ended is recorded; nobody holds up anybody."""

import asyncio
import hashlib
import logging
from pathlib import Path

import pytest

from application.exchange.media import Fetched, MediaRefused, Why
from application.follower import Follower
from domain import media
from domain.media import MediaStored
from tests.application.broken_streams import spoil
from tests.application.policies.media.situations import (
    NOT_NOW,
    PNG,
    Fetching,
    Provider,
    a_picture,
    told,
    until,
)
from tests.application.situations import (
    NOON,
    Shop,
    a_message,
    an_assigned_conversation,
    another_process,
    everything,
)

pytestmark = pytest.mark.anyio


async def test_an_attachment_is_fetched_kept_and_told(shop: Shop, tmp_path: Path) -> None:
    case = await an_assigned_conversation(shop, "li")
    receipt = await a_picture(shop, "f-1", message_id="with a picture")
    provider = Provider()
    fetching = Fetching(shop, provider, tmp_path)

    await fetching.settle()

    (stored,) = await told(shop)
    assert isinstance(stored, MediaStored)
    assert stored == MediaStored(
        conversation_id=case.conversation_id,
        message_id=receipt.message_id,
        message_position=receipt.position,
        attachment_index=0,
        digest=stored.digest,
        sha256=hashlib.sha256(PNG).hexdigest(),
        size_bytes=len(PNG),
        content_type="image/png",
        name="f-1.png",
        agent_id=case.agent_id,
    )
    found = await fetching.store.get(stored.digest)
    assert found is not None
    assert found[1] == PNG
    assert (provider.asked, fetching.counts.stored_bytes) == (["f-1"], [len(PNG)])


async def test_what_it_is_said_to_be_is_recorded_where_it_is_something_else(shop: Shop, tmp_path: Path) -> None:
    await a_picture(shop, "f-1")
    fetching = Fetching(shop, Provider(Fetched(body=b"<html><script>", content_type="image/PNG; x=y")), tmp_path)

    await fetching.settle()

    (stored,) = await told(shop)
    assert isinstance(stored, MediaStored)
    assert (stored.content_type, stored.declared_type) == ("text/html", "image/png")


async def test_several_attachments_are_told_apart_and_a_file_that_comes_again_is_told_again(
    shop: Shop, tmp_path: Path
) -> None:
    first = await a_picture(shop, "f-1", "f-2")
    second = await a_picture(shop, "f-3", message_id="m-2")

    await Fetching(shop, Provider(), tmp_path).settle()

    places = {(one.message_id, one.attachment_index) for one in await told(shop) if isinstance(one, MediaStored)}
    assert places == {(first.message_id, 0), (first.message_id, 1), (second.message_id, 0)}
    assert len({one.digest for one in await told(shop) if isinstance(one, MediaStored)}) == 1


async def test_messages_without_anything_to_fetch_ask_nobody(shop: Shop, tmp_path: Path) -> None:
    elsewhere = await shop.open_account("phone")
    await shop.receive(a_message("a text"))
    await a_picture(shop, "", message_id="no reference")
    await a_picture(shop, "f-1", message_id="no fetcher", account_id=elsewhere)
    provider = Provider()

    await Fetching(shop, provider, tmp_path).settle()

    assert (provider.asked, await told(shop)) == ([], [])


async def test_what_is_refused_for_now_is_told_once_and_tried_until_it_is_given(shop: Shop, tmp_path: Path) -> None:
    receipt = await a_picture(shop, "f-1")
    provider = Provider(NOT_NOW, NOT_NOW, Fetched(body=b""))
    fetching = Fetching(shop, provider, tmp_path)

    await fetching.settle()

    refused, stored = await told(shop)
    assert refused == media.MediaRefused(
        conversation_id=receipt.conversation_id,
        message_id=receipt.message_id,
        message_position=receipt.position,
        attachment_index=0,
        reason="come again",
        is_final=False,
    )
    assert isinstance(stored, MediaStored)
    assert len(provider.asked) == 4
    assert fetching.counts.refused == {("provider", False): 2, ("broken", False): 1}


async def test_what_is_refused_for_good_is_told_and_not_tried_again(shop: Shop, tmp_path: Path) -> None:
    await a_picture(shop, "f-1")
    provider = Provider(MediaRefused("it is gone", is_final=True, why=Why.GONE))
    fetching = Fetching(shop, provider, tmp_path)

    await fetching.settle()
    await Fetching(shop, provider, tmp_path).settle()

    (refused,) = await told(shop)
    assert isinstance(refused, media.MediaRefused)
    assert (refused.reason, refused.is_final) == ("it is gone", True)
    assert provider.asked == ["f-1"]
    assert fetching.counts.refused == {("gone", True): 1}


async def test_a_day_after_the_message_a_refusal_is_final(shop: Shop, tmp_path: Path) -> None:
    await a_picture(shop, "f-1")
    shop.clock.wait(24 * 3_600)
    provider = Provider(NOT_NOW)

    await Fetching(shop, provider, tmp_path).settle()

    (refused,) = await told(shop)
    assert isinstance(refused, media.MediaRefused)
    assert refused.is_final
    assert provider.asked == ["f-1"]


async def test_more_bytes_than_allowed_are_not_even_asked_for(shop: Shop, tmp_path: Path) -> None:
    await a_picture(shop, "f-1", size_bytes=70_001)
    provider = Provider()

    await Fetching(shop, provider, tmp_path).settle()

    (refused,) = await told(shop)
    assert isinstance(refused, media.MediaRefused)
    assert (refused.reason, refused.is_final, provider.asked) == ("it has more than 70000 bytes", True, [])


async def test_a_fetcher_that_breaks_is_a_refusal_like_others(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    await a_picture(shop, "f-1")
    fetching = Fetching(shop, Provider(KeyError("url")), tmp_path)

    await fetching.settle()

    refused, stored = await told(shop)
    assert isinstance(refused, media.MediaRefused)
    assert (refused.reason, refused.is_final) == ("unexpected KeyError", False)
    assert isinstance(stored, MediaStored)


async def test_a_store_that_takes_nothing_loses_nothing(shop: Shop, tmp_path: Path) -> None:
    await a_picture(shop, "f-1")
    shop.clock.wait(48 * 3_600)  # however long it takes: that the disk is full is not the customer's fault
    (tmp_path / "media").write_text("a file, where a folder should be")
    fetching = Fetching(shop, Provider(), tmp_path, pauses_seconds=(0.001,))

    await fetching.follower.catch_up()
    await until(lambda: fetching.counts.refused["not_stored", False] >= 3)

    assert await told(shop) == []
    assert (fetching.policy.lanes.waiting, fetching.policy.lanes.oldest_since) == (1, NOON)
    (tmp_path / "media").unlink()
    await fetching.settle()
    assert [one.TOPIC for one in await told(shop)] == ["conversation.media_stored"]
    assert fetching.policy.lanes.waiting == 0


async def test_an_account_that_is_stuck_holds_up_neither_others_nor_the_log(shop: Shop, tmp_path: Path) -> None:
    other = await shop.open_account()
    for number in range(12):
        await a_picture(shop, "stuck", message_id=f"stuck {number}")
    receipt = await a_picture(shop, "f-1", account_id=other)
    fetching = Fetching(shop, Provider(), tmp_path)

    await fetching.follower.catch_up()
    await until(lambda: bool(fetching.counts.stored_bytes))

    assert fetching.follower.position >= receipt.position
    assert len(await told(shop)) == 1
    assert fetching.policy.lanes.waiting == 12
    await fetching.policy.lanes.close()


async def test_what_was_under_way_when_the_process_died_is_found_again(shop: Shop, tmp_path: Path) -> None:
    await a_picture(shop, "stuck")
    await a_picture(shop, "f-1", message_id="m-2")
    before = Fetching(shop, Provider(), tmp_path)
    await before.follower.catch_up()
    await until(lambda: bool(before.counts.stored_bytes))
    await a_picture(shop, "f-2", message_id="m-3")
    await before.follower.catch_up()
    await before.policy.lanes.close()

    provider = Provider(NOT_NOW)
    async with another_process(shop) as other:
        other.clock.wait(24 * 3_600)
        start = await Fetching(other, provider, tmp_path).policy.start()
        fetching = Fetching(other, provider, tmp_path)
        await fetching.follower.catch_up()
        await until(lambda: "stuck" in provider.asked)
        await fetching.policy.lanes.close()

    assert start < (await told(shop))[0].message_position
    assert "stuck" in provider.asked
    assert "f-1" not in provider.asked  # it was settled


async def test_two_workers_at_once_fetch_twice_at_most_and_record_once(shop: Shop, tmp_path: Path) -> None:
    for number in range(10):
        await a_picture(shop, f"f-{number}", message_id=f"m-{number}")
    provider = Provider()
    async with another_process(shop) as other:
        await asyncio.gather(Fetching(shop, provider, tmp_path).settle(), Fetching(other, provider, tmp_path).settle())

    stored = await told(shop)
    assert len(stored) == len({one.message_position for one in stored}) == 10
    assert len(provider.asked) <= 20


async def test_a_message_that_came_again_with_another_file_has_both(shop: Shop, tmp_path: Path) -> None:
    receipt = await a_picture(shop, "f-1")
    again = await a_picture(shop, "f-2")
    provider = Provider()

    await Fetching(shop, provider, tmp_path).settle()

    assert again.is_contradiction
    assert provider.asked == ["f-1", "f-2"]
    assert sorted((one.message_id, one.message_position) for one in await told(shop)) == [
        (receipt.message_id, receipt.position),
        (receipt.message_id, again.position),
    ]


async def test_a_message_that_nobody_can_read_holds_up_no_other(shop: Shop, tmp_path: Path) -> None:
    broken = await a_picture(shop, "f-1")
    assert (await a_picture(shop, "f-2")).is_contradiction
    sound = await a_picture(shop, "f-3", message_id="m-2", handle="ola")
    (original,) = [one for one in await everything(shop.log) if one.position == broken.position]
    spoil(shop, original.stream, original.version)
    provider = Provider()

    async with another_process(shop) as other:
        fetching = Fetching(other, provider, tmp_path)
        await fetching.follower.catch_up()
        await fetching.policy.lanes.idle()

    assert provider.asked == ["f-3"]
    assert [one.message_position for one in await told(shop)] == [sound.position]


async def test_it_runs_until_it_is_stopped_and_lets_go_of_what_is_under_way(shop: Shop, tmp_path: Path) -> None:
    await a_picture(shop, "stuck")
    fetching = Fetching(shop, Provider(), tmp_path)
    running = asyncio.create_task(fetching.follower.run())
    await until(lambda: fetching.policy.lanes.waiting == 1)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert isinstance(fetching.follower, Follower)
    assert (fetching.policy.lanes.waiting, fetching.follower.position) == (0, -1)
