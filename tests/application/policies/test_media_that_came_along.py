"""Attachments whose bytes came with the message: kept before it is stored, told like those that are fetched."""

from pathlib import Path

import pytest

from application.exchange.media import keep_files
from domain import media
from domain.interaction import Attachment
from domain.media import MediaStored
from tests.application.policies.media_situations import PNG, Fetching, Provider, a_picture, a_store, told
from tests.application.situations import Shop, a_message

pytestmark = pytest.mark.anyio


async def test_bytes_that_came_with_the_message_are_kept_before_it_and_told_after_it(
    shop: Shop, tmp_path: Path
) -> None:
    files = [
        (Attachment(name="a.png", content_type="image/png", reference="cid:logo"), PNG),
        (Attachment(name="b.txt", content_type="text/plain", reference="part:2", size_bytes=70_001), b"x" * 70_001),
        (Attachment(name="c.txt", content_type="text/plain", reference="part:3", size_bytes=0), b""),
    ]
    message = a_message("a mail", content={"attachments": [one for one, _ in files]})

    kept = await keep_files(message, files, a_store(tmp_path), bytes_max=70_000)
    await shop.receive(kept, account_id=await shop.open_account("email"))
    await Fetching(shop, Provider(), tmp_path).settle()

    first, second, third = kept.content.attachments
    stored, refused = sorted(await told(shop), key=lambda one: one.attachment_index)
    assert isinstance(stored, MediaStored)
    assert isinstance(refused, media.MediaRefused)
    assert (first.reference, first.content_id) == (f"media:{stored.digest}", "logo")
    assert (second, third) == (files[1][0], files[2][0])
    assert (stored.name, stored.content_type, stored.declared_type) == ("a.png", "image/png", "")
    assert (refused.attachment_index, refused.is_final) == (1, True)


async def test_a_reference_to_what_was_never_kept_ends_as_a_refusal(shop: Shop, tmp_path: Path) -> None:
    for reference in (f"media:{'0' * 64}", "media:../../etc/passwd"):
        await a_picture(shop, reference, message_id=reference, account_id=await shop.open_account("email"))
    shop.clock.wait(24 * 3_600)
    fetching = Fetching(shop, Provider(), tmp_path)

    await fetching.settle()

    (refused,) = await told(shop)
    assert isinstance(refused, media.MediaRefused)
    assert (refused.reason, refused.is_final) == ("it is not where it was kept", True)
    assert fetching.counts.refused == {("lost", True): 1}
