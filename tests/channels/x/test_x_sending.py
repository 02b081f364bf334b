"""X on the way out: a small budget, users who take no messages, and unknown outcomes."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import httpx
import pytest

from application.exchange.media import Fetched
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from channels import x
from domain.interaction import Attachment
from tests.channels.posted import NOON
from tests.channels.scripted_provider import (
    DROPPED,
    SILENCE,
    Scripted,
    Taken,
    an_address_nobody_listens_at,
    answers,
    patience,
    scripted_provider,
    server_error,
    too_many,
)
from tests.channels.x.situations import JO, an_x_account

SENDS = {"consumer_key": "ck", "access_token": "at", "access_token_secret": "ats"}
CANNOT = {"title": "Forbidden", "detail": "You cannot send messages to this user.", "status": 403}


def a_reply(**changes: Any) -> Outgoing:
    whole: dict[str, Any] = {
        "conversation_id": "conversation-1",
        "message_id": "message-1",
        "handle": JO,
        "text": "Grüße 😀",
        "written_at": NOON,
    }
    return Outgoing(**(whole | changes))


def accepts(_: Taken, number: int) -> Scripted:
    return answers(201, {"data": {"dm_conversation_id": "1-2", "dm_event_id": f"13468894366262599{number}"}})


def sent(*script: Scripted, reply: Outgoing | None = None, **settings: str) -> tuple[Outcome, list[Taken]]:
    async def attempt() -> tuple[Outcome, list[Taken]]:
        async with (
            scripted_provider(*script, accepts=accepts) as provider,
            httpx.AsyncClient(timeout=patience(*script)) as client,
        ):
            account = an_x_account(**(SENDS | {"api_url": provider.url} | settings))
            return await x.send(account, reply or a_reply(), client, lambda: 1_000.0), provider.taken

    return asyncio.run(attempt())


def test_a_text_goes_to_one_person_in_our_users_name() -> None:
    outcome, (request,) = sent()

    assert outcome == Accepted(provider_id="134688943662625991")
    assert (request.method, request.path) == ("POST", f"/2/dm_conversations/with/{JO}/messages")
    assert request.json == {"text": "Grüße 😀"}
    header = request.headers["authorization"]
    assert header.startswith('OAuth oauth_consumer_key="ck", oauth_nonce="')
    assert 'oauth_timestamp="1000", oauth_token="at", oauth_version="1.0"' in header


@pytest.mark.parametrize(
    ("answer", "refusal", "concerns_account"),
    [
        (answers(403, CANNOT), Refusal.RECIPIENT_GONE, False),
        (answers(403, {"errors": [{"code": 349, "message": "No"}]}), Refusal.RECIPIENT_GONE, False),
        (answers(403, {"errors": [{"code": 50, "message": "User not found."}]}), Refusal.RECIPIENT_GONE, False),
        (answers(403, {"detail": "Your app lacks a permission"}), Refusal.OUR_FAULT, False),
        (answers(401, {"title": "Unauthorized"}), Refusal.OUR_FAULT, True),
        (answers(400, {"detail": "Invalid"}), Refusal.OUR_FAULT, False),
        (too_many(), Refusal.RETRY_LATER, True),
        (server_error(), Refusal.RETRY_LATER, False),
        (answers(503), Refusal.RETRY_LATER, False),
    ],
)
def test_each_answer_is_one_of_four_refusals(answer: Scripted, refusal: Refusal, concerns_account: object) -> None:
    outcome, taken = sent(answer)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.concerns_account, len(taken)) == (refusal, concerns_account, 1)


@pytest.mark.parametrize(
    ("reset", "seconds"), [("1900", 900.0), ("900", 1.0), ("999999999999", 86_400.0), ("soon", None), ("", None)]
)
def test_a_spent_budget_says_until_when(reset: str, seconds: float | None) -> None:
    outcome, _ = sent(answers(429, None, x_rate_limit_reset=reset))

    assert isinstance(outcome, Rejected)
    assert outcome.retry_after_seconds == seconds


@pytest.mark.parametrize("answer", [SILENCE, DROPPED, answers(502), answers(504), answers(201, {}), answers(201)])
def test_a_request_that_was_taken_without_a_clear_answer_is_unknown(answer: Scripted) -> None:
    outcome, taken = sent(answer)

    assert isinstance(outcome, Unknown)
    assert len(taken) == 1


def test_a_connection_that_is_refused_may_be_tried_again() -> None:
    async def attempt() -> Outcome:
        async with httpx.AsyncClient() as client:
            account = an_x_account(**SENDS, api_url=await an_address_nobody_listens_at())
            return await x.send(account, a_reply(), client)

    outcome = asyncio.run(attempt())

    assert isinstance(outcome, Rejected)
    assert outcome.refusal is Refusal.RETRY_LATER


@pytest.mark.parametrize(
    ("reply", "settings", "refusal"),
    [
        (a_reply(handle="unknown"), {}, Refusal.RECIPIENT_GONE),
        (a_reply(text="x" * 10_001), {}, Refusal.OUR_FAULT),
        (a_reply(), dict.fromkeys(SENDS, ""), Refusal.OUR_FAULT),
    ],
)
def test_what_cannot_work_is_not_even_tried(reply: Outgoing, settings: dict[str, str], refusal: Refusal) -> None:
    outcome, taken = sent(reply=reply, **settings)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, taken) == (refusal, [])


@pytest.mark.parametrize(("settings", "is_signed"), [(SENDS, True), ({}, False)])
def test_a_picture_is_got_in_our_users_name_from_xs_hosts_only(settings: dict[str, str], is_signed: object) -> None:
    asked: list[tuple[str, tuple[str, ...], bool]] = []

    async def get(url: str, *, hosts: Collection[str], headers: Mapping[str, str] = {}) -> Fetched:
        asked.append((url, tuple(hosts), headers.get("authorization", "").startswith("OAuth ")))
        return Fetched(body=b"bytes")

    attachment = Attachment(reference="https://ton.twitter.com/1.1/ton/data/dm/1/2/a.jpg")
    found = asyncio.run(x.fetch(an_x_account(**settings), attachment, get))

    assert found.body == b"bytes"
    assert asked == [(attachment.reference, x.MEDIA_HOSTS, is_signed)]
