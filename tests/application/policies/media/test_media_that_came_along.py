"""Attachments whose bytes came with the message: kept before it is stored, told like those that are fetched."""

import hashlib
from pathlib import Path

import pytest

from application.exchange.media import keep_files
from domain import media
from domain.interaction import Attachment
from domain.media import MediaStored
from tests.application.policies.media.situations import PNG, Fetching, Provider, a_picture, a_store, told
from tests.application.situations import Shop, a_message

pytestmark = pytest.mark.anyio


def a_file(name: str, body: bytes, content_type: str, *, reference: str) -> Attachment:
    """As a door tells of it."""
    return Attachment(
        name=name,
        content_type=content_type,
        size_bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        reference=reference,
    )


async def test_bytes_that_came_with_the_message_are_kept_before_it_and_told_after_it(
    shop: Shop, tmp_path: Path
) -> None:
    logo = a_file("a.png", PNG, "image/png", reference="cid:logo")
    again = a_file("b.png", PNG, "image/png", reference="part:3")
    large = a_file("c.txt", b"x" * 70_001, "text/plain", reference="part:4")
    empty = a_file("d.txt", b"", "text/plain", reference="part:5")
    elsewhere = a_file("e.txt", b"not among the bodies", "text/plain", reference="")
    message = a_message("a mail", content={"attachments": [logo, again, large, empty, elsewhere]})
    bodies = [b"the text", PNG, b"", PNG, b"x" * 70_001]

    kept = await keep_files(message, bodies, a_store(tmp_path), bytes_max=70_000)
    await shop.receive(kept, account_id=await shop.open_account("email"))
    await Fetching(shop, Provider(), tmp_path).settle()

    first, second, *others = kept.content.attachments
    stored, stored_again, refused = sorted(await told(shop), key=lambda one: one.attachment_index)
    assert isinstance(stored, MediaStored)
    assert isinstance(stored_again, MediaStored)
    assert isinstance(refused, media.MediaRefused)
    assert (first.reference, first.content_id) == (f"media:{stored.digest}", "logo")
    assert (second.reference, stored_again.digest) == (first.reference, stored.digest)
    assert others == [large, empty, elsewhere]
    assert (stored.name, stored.content_type, stored.declared_type) == ("a.png", "image/png", "")
    assert (stored_again.name, refused.attachment_index, refused.is_final) == ("b.png", 2, True)


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
