"""Media: where the bytes of an attachment are kept, and what its conversation makes of it."""

from typing import Any

import pytest

from domain.conversation import ConversationOpened, opened
from domain.interaction import Attachment
from domain.media import MediaRefused, MediaStored, digest_of, kept
from domain.parts import evolve_conversation

DIGEST = "0f" * 32
CONVERSATION = "conversation-0193a7c2d4e57f0aa1b2c3d4e5f60718"
PLACE: dict[str, Any] = {
    "conversation_id": CONVERSATION,
    "message_id": "message-0193a7c2d4e57f0aa1b2c3d4e5f60718",
    "message_position": 7,
    "attachment_index": 0,
}


def test_an_attachment_that_is_kept_says_where_and_keeps_the_name_that_markup_calls_it_by() -> None:
    inline = Attachment(name="a.png", sha256="x", reference="cid:logo@example.org")
    other = Attachment(name="b.png", reference="part:2")

    assert kept(inline, digest=DIGEST) == Attachment(
        name="a.png", sha256="x", reference=f"media:{DIGEST}", content_id="logo@example.org"
    )
    assert kept(other, digest=DIGEST) == Attachment(name="b.png", reference=f"media:{DIGEST}")
    assert digest_of(kept(inline, digest=DIGEST)) == DIGEST


@pytest.mark.parametrize(
    "reference", ["", "1037", "part:2", "media:", "media:../x", f"media:{DIGEST}0", f"x media:{DIGEST}"]
)
def test_any_other_reference_is_nothing_that_we_keep(reference: str) -> None:
    assert digest_of(Attachment(reference=reference)) == ""


def test_what_becomes_of_media_moves_the_conversation_on_by_a_revision_and_nothing_else() -> None:
    before = opened(ConversationOpened(conversation_id=CONVERSATION, channel="email", account_id="a", thread=""))

    stored = evolve_conversation(
        before, MediaStored(**PLACE, digest=DIGEST, sha256="", size_bytes=1, content_type="image/png")
    )
    refused = evolve_conversation(stored, MediaRefused(**PLACE, reason="it is gone"))

    assert (stored.revision, refused.revision) == (before.revision + 1, before.revision + 2)
    assert (stored.status, stored.thread) == (before.status, before.thread)
