"""Tickets: by which a visitor's message carries a file that this visitor uploaded, and no other's."""

from datetime import UTC, datetime, timedelta

import pytest

from application.exchange.media import StoredMedia
from channels import webchat
from channels.chat.files import FileSaid, make_ticket, read_ticket
from channels.edge.payload import SignatureWrong, UnreadablePayload
from channels.webchat import Said, Settings
from domain.account import AccountDefinition, AccountInvalid
from domain.interaction import Attachment

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY, OLD_KEY = b"k" * 32, b"o" * 32
PHOTO = StoredMedia(digest="a" * 64, sha256="b" * 64, size_bytes=7, content_type="image/png")


def a_ticket(key: bytes = KEY) -> str:
    until = NOON + timedelta(hours=1)
    return make_ticket(PHOTO, account_id="account-1", visitor_id="v-1", key=key, expires_at=until)


def read(ticket: str, *, account_id: str = "account-1", visitor_id: str = "v-1", at: datetime = NOON) -> StoredMedia:
    return read_ticket(ticket, account_id=account_id, visitor_id=visitor_id, keys=(KEY, OLD_KEY), at=at)


def test_a_ticket_is_good_for_its_visitor_until_it_expires_and_while_keys_are_rolled() -> None:
    assert read(a_ticket()) == PHOTO
    assert read(a_ticket(OLD_KEY)) == PHOTO
    assert read(a_ticket(), at=NOON + timedelta(minutes=59)) == PHOTO


@pytest.mark.parametrize(
    ("ticket", "visitor_id", "account_id", "at"),
    [
        (a_ticket(), "v-2", "account-1", NOON),
        (a_ticket(), "v-1", "account-2", NOON),
        (a_ticket(), "v-1", "account-1", NOON + timedelta(hours=1)),
        (a_ticket(b"x" * 32), "v-1", "account-1", NOON),
        (a_ticket().replace("W", "X", 1), "v-1", "account-1", NOON),
        (a_ticket()[:-4], "v-1", "account-1", NOON),
        ("", "v-1", "account-1", NOON),
        ("é.\ud800", "v-1", "account-1", NOON),
    ],
)
def test_any_other_ticket_is_refused(ticket: str, visitor_id: str, account_id: str, at: datetime) -> None:
    with pytest.raises(SignatureWrong):
        read(ticket, visitor_id=visitor_id, account_id=account_id, at=at)


def test_a_message_carries_its_files_by_safe_names_and_needs_no_text_then() -> None:
    settings = Settings(origins=frozenset(), visitor_keys=(KEY,))
    said = Said(id="m-1", files=(FileSaid(ticket=a_ticket(), name="..\\evil\u202egpj.png"), FileSaid(ticket="x")))

    with pytest.raises(UnreadablePayload, match=r"files\[1\]\.ticket"):
        webchat.attachments_of(said, settings, account_id="account-1", visitor_id="v-1", at=NOON)
    one = Said(id="m-1", files=said.files[:1])
    files = webchat.attachments_of(one, settings, account_id="account-1", visitor_id="v-1", at=NOON)
    message = webchat.to_message(one, visitor_id="v-1", name="Ana", received_at=NOON, attachments=files)

    kept = Attachment(
        name="evilgpj.png", content_type="image/png", size_bytes=7, sha256="b" * 64, reference=f"media:{'a' * 64}"
    )
    assert message.content.attachments == (kept,)
    with pytest.raises(UnreadablePayload, match="a text or a file"):
        webchat.to_message(Said(id="m-1", text=" "), visitor_id="v-1", name="", received_at=NOON)


@pytest.mark.parametrize("given", ["-1", "25000001", "ten", "", "٣"])
def test_a_limit_that_is_none_is_refused(given: str) -> None:
    settings = {"visitor_key": "k" * 32, "visitor_file_bytes_max": given}

    with pytest.raises(AccountInvalid, match="visitor_file_bytes_max"):
        webchat.read_settings(AccountDefinition(channel="webchat", name="Chat", queue_id="q", settings=settings))
