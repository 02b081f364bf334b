"""WhatsApp, Messenger and Instagram on the way out: what Meta's Graph API answers, and what we make of it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from channels import whatsapp
from domain.account import AccountDefinition
from tests.channels.scripted_provider import (
    DROPPED,
    SILENCE,
    Scripted,
    Taken,
    an_address_nobody_listens_at,
    answers,
    graph_error,
    patience,
    scripted_provider,
    server_error,
    too_many,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def an_account(url: str, **settings: str) -> AccountDefinition:
    given = {"app_secret": "s", "verify_token": "v", "access_token": "token-1", "api_url": url}
    return AccountDefinition(
        channel="whatsapp", name="Shop EU", queue_id="queue-1", address="1122334455667", settings=given | settings
    )


def a_reply(**changes: Any) -> Outgoing:
    whole: dict[str, Any] = {
        "conversation_id": "conversation-1",
        "message_id": "message-1",
        "handle": "+972987654321",
        "text": "Grüße 😀",
        "written_at": NOON,
        "in_reply_to": "wamid.Q",
    }
    return Outgoing(**(whole | changes))


def sent(answer: Scripted | None = None, reply: Outgoing | None = None, **settings: str) -> tuple[Outcome, list[Taken]]:
    script = [answer] if answer else []

    async def attempt() -> tuple[Outcome, list[Taken]]:
        async with scripted_provider(*script) as provider, httpx.AsyncClient(timeout=patience(*script)) as client:
            outcome = await whatsapp.send(an_account(provider.url, **settings), reply or a_reply(), client)
            return outcome, provider.taken

    return asyncio.run(attempt())


def test_a_text_goes_to_a_phone_number_with_all_that_is_needed_to_find_it_again() -> None:
    outcome, (request,) = sent()

    assert outcome == Accepted(provider_id="wamid.1")
    assert (request.method, request.path) == ("POST", "/1122334455667/messages")
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.json == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "972987654321",
        "type": "text",
        "text": {"body": "Grüße 😀", "preview_url": False},
        "context": {"message_id": "wamid.Q"},
        "biz_opaque_callback_data": "message-1",
    }


@pytest.mark.parametrize(
    ("reply", "to"),
    [
        (a_reply(handle="US.13491208655302741918"), {"recipient": "US.13491208655302741918"}),
        (a_reply(thread="Y2FwaV9ncm91cDox"), {"recipient_type": "group", "to": "Y2FwaV9ncm91cDox"}),
    ],
)
def test_a_user_id_and_a_group_are_named_in_their_own_way(reply: Outgoing, to: dict[str, str]) -> None:
    _, (request,) = sent(reply=reply)

    named = {name: request.json[name] for name in ("recipient_type", "to", "recipient") if name in request.json}
    assert named == {"recipient_type": "individual"} | to


@pytest.mark.parametrize(
    ("answer", "refusal", "concerns_account"),
    [
        (graph_error(131_047), Refusal.WINDOW_CLOSED, False),
        (graph_error(10, subcode=2_018_278), Refusal.WINDOW_CLOSED, False),
        (graph_error(131_026), Refusal.RECIPIENT_GONE, False),
        (graph_error(100, subcode=2_018_001), Refusal.RECIPIENT_GONE, False),
        (graph_error(200, subcode=1_545_041), Refusal.RECIPIENT_GONE, False),
        (graph_error(551), Refusal.RECIPIENT_GONE, False),
        (graph_error(190, status=401), Refusal.OUR_FAULT, True),
        (graph_error(131_031, status=403), Refusal.OUR_FAULT, True),
        (answers(401), Refusal.OUR_FAULT, True),
        (graph_error(100), Refusal.OUR_FAULT, False),
        (graph_error(987_654), Refusal.OUR_FAULT, False),
        (answers(404), Refusal.OUR_FAULT, False),
        (graph_error(130_429), Refusal.RETRY_LATER, True),
        (graph_error(131_056), Refusal.RETRY_LATER, False),
        (graph_error(131_016, status=500), Refusal.RETRY_LATER, False),
        (graph_error(2), Refusal.RETRY_LATER, False),
        (server_error(), Refusal.RETRY_LATER, False),
    ],
)
def test_each_code_is_one_of_four_refusals(answer: Scripted, refusal: Refusal, concerns_account: object) -> None:
    outcome, _ = sent(answer)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.concerns_account) == (refusal, concerns_account)


def test_too_many_requests_say_for_how_long() -> None:
    outcome, _ = sent(too_many(7))

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.retry_after_seconds) == (Refusal.RETRY_LATER, 7.0)


@pytest.mark.parametrize("answer", [SILENCE, DROPPED, answers(502), answers(504), answers(200, {"messages": []})])
def test_a_request_that_was_taken_without_a_clear_answer_is_unknown(answer: Scripted) -> None:
    outcome, taken = sent(answer)

    assert isinstance(outcome, Unknown)
    assert len(taken) == 1


def test_a_connection_that_is_refused_may_be_tried_again() -> None:
    async def attempt() -> Outcome:
        async with httpx.AsyncClient() as client:
            return await whatsapp.send(an_account(await an_address_nobody_listens_at()), a_reply(), client)

    outcome = asyncio.run(attempt())

    assert isinstance(outcome, Rejected)
    assert outcome.refusal is Refusal.RETRY_LATER


@pytest.mark.parametrize(
    ("reply", "settings", "refusal"),
    [
        (a_reply(handle="unknown"), {}, Refusal.RECIPIENT_GONE),
        (a_reply(text="x" * 4_097), {}, Refusal.OUR_FAULT),
        (a_reply(), {"access_token": ""}, Refusal.OUR_FAULT),
        (a_reply(), {"api_url": "no-url"}, Refusal.OUR_FAULT),
    ],
)
def test_what_cannot_work_is_not_even_tried(reply: Outgoing, settings: dict[str, str], refusal: Refusal) -> None:
    outcome, taken = sent(None, reply, **settings)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, taken) == (refusal, [])
