"""Files on their way out by Telegram: one request each, by the method of their kind."""

import json
from typing import Any

import pytest

from application.exchange.sending import Accepted, Outcome, OutgoingFile, Refusal, Rejected, Unknown
from channels import telegram
from channels.edge.limits import TELEGRAM_FILES
from channels.social.telegram_sending import METHODS
from domain.interaction import Attachment
from domain.outbound.files import kind_of
from tests.channels.replies import PNG, a_file, a_reply, attempted, form_of
from tests.channels.scripted_provider import DROPPED, SILENCE, Scripted, Taken, answers
from tests.channels.telegram.test_sending import TOKEN, account, refuses


def accepts(request: Taken, number: int) -> Scripted:
    chat = {"id": int(form_of(request)["chat_id"][2]), "type": "private"}
    return answers(200, {"ok": True, "result": {"message_id": number, "date": 1, "chat": chat}})


def sent(*script: Scripted, file: OutgoingFile | None = None, **changes: Any) -> tuple[Outcome, list[Taken]]:
    reply = a_reply(**{"handle": "42", "files": (file or a_file("photo"),), **changes})
    return attempted(telegram.send, account, *script, accepts=accepts, reply=reply)


def test_a_photo_goes_with_its_caption_to_where_the_customer_wrote() -> None:
    outcome, (request,) = sent(text="Voilà", in_reply_to="42:7")

    form = form_of(request)
    assert outcome == Accepted(provider_id="42:1")
    assert request.path == f"/bot{TOKEN}/sendPhoto"
    assert form["photo"] == ("map.png", "image/png", PNG)
    assert (form["chat_id"][2], form["caption"][2].decode()) == (b"42", "Voilà")
    assert json.loads(form["reply_parameters"][2]) == {"message_id": 7, "allow_sending_without_reply": True}


def test_a_file_in_a_business_chat_or_a_topic_goes_there() -> None:
    _, (business,) = sent(thread="business:bc", text="")
    _, (topic,) = sent(thread="-100123:5", text="")

    assert form_of(business)["business_connection_id"][2] == b"bc"
    assert "caption" not in form_of(business)
    assert (form_of(topic)["chat_id"][2], form_of(topic)["message_thread_id"][2]) == (b"-100123", b"5")


@pytest.mark.parametrize(
    ("content_type", "size_bytes", "sent_as"),
    [
        ("image/jpeg", 10_000_000, "photo"),
        ("image/jpeg", 10_000_001, "document"),
        ("image/gif", 1, "animation"),
        ("video/mp4", 1, "video"),
        ("audio/mpeg", 1, "audio"),
        ("audio/ogg", 1, "voice"),
        ("application/pdf", 1, "document"),
        ("application/x-anything", 50_000_000, "document"),
        ("application/pdf", 50_000_001, None),
    ],
)
def test_each_kind_has_a_method_of_its_own(content_type: str, size_bytes: int, sent_as: str | None) -> None:
    kind = kind_of(TELEGRAM_FILES, Attachment(content_type=content_type, size_bytes=size_bytes))

    assert (kind.sent_as if kind else None) == sent_as
    if kind is not None:
        _, (request,) = sent(file=a_file(kind.sent_as, content_type))
        assert request.path == f"/bot{TOKEN}/{METHODS[kind.sent_as]}"
        assert form_of(request)[kind.sent_as][1:] == (content_type, PNG)


def test_a_file_follows_a_group_that_moved() -> None:
    moved = refuses(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-100999)

    outcome, taken = sent(moved, thread="-555")

    assert outcome == Accepted(provider_id="-100999:2")
    assert [form_of(one)["chat_id"][2] for one in taken] == [b"-555", b"-100999"]
    assert [form_of(one)["photo"][2] for one in taken] == [PNG, PNG]


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (refuses(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"), Refusal.OUR_FAULT),
        (refuses(413, "Request Entity Too Large"), Refusal.OUR_FAULT),
        (refuses(403, "Forbidden: bot was blocked by the user"), Refusal.RECIPIENT_GONE),
        (refuses(429, "Too Many Requests: retry after 5", retry_after=5), Refusal.RETRY_LATER),
    ],
)
def test_a_refused_file_is_refused_as_a_text_is(answer: Scripted, refusal: Refusal) -> None:
    outcome, _ = sent(answer)

    assert isinstance(outcome, Rejected)
    assert outcome.refusal is refusal


@pytest.mark.parametrize("answer", [SILENCE, DROPPED, answers(504)])
def test_a_file_without_a_clear_answer_may_have_arrived(answer: Scripted) -> None:
    outcome, taken = sent(answer)

    assert isinstance(outcome, Unknown)
    assert (TOKEN in outcome.reason, len(taken)) == (False, 1)
