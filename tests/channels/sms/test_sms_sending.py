"""SMS on the way out: what Twilio answers, and what we make of it."""

import asyncio
import base64
from collections.abc import Collection, Mapping
from typing import Any

import httpx
import pytest

from application.exchange.media import Fetched
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from channels import sms
from domain.account import AccountDefinition
from domain.interaction import Attachment
from tests.channels.posted import NOON, an_account
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

BASIC = "Basic " + base64.b64encode(b"AC1:token").decode()


def a_number(url: str, address: str = "+4915735980000", **settings: str) -> AccountDefinition:
    given = {"account_sid": "AC1", "auth_token": "token", "api_url": url}
    return an_account("sms", address, **(given | settings))


def a_reply(**changes: Any) -> Outgoing:
    whole: dict[str, Any] = {
        "conversation_id": "conversation-1",
        "message_id": "message-1",
        "handle": "+4930901820",
        "text": "Grüße 😀",
        "written_at": NOON,
    }
    return Outgoing(**(whole | changes))


def accepts(_: Taken, number: int) -> Scripted:
    return answers(201, {"sid": f"SM{number}", "status": "queued", "error_code": None})


def an_error(code: int, status: int = 400) -> Scripted:
    return answers(status, {"code": code, "message": "Refused", "more_info": "https://…", "status": status})


def sent(
    *script: Scripted, reply: Outgoing | None = None, address: str = "+4915735980000", **settings: str
) -> tuple[Outcome, list[Taken]]:
    async def attempt() -> tuple[Outcome, list[Taken]]:
        async with (
            scripted_provider(*script, accepts=accepts) as provider,
            httpx.AsyncClient(timeout=patience(*script)) as client,
        ):
            outcome = await sms.send(a_number(provider.url, address, **settings), reply or a_reply(), client)
            return outcome, provider.taken

    return asyncio.run(attempt())


def test_a_text_goes_out_with_all_that_is_needed_to_hear_of_it_again() -> None:
    outcome, (request,) = sent(status_callback_url="https://cc.example/v1/webhooks/sms/account-1")

    assert outcome == Accepted(provider_id="SM1", answer="queued")
    assert (request.method, request.path) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
    assert request.headers["authorization"] == BASIC
    assert request.form == {
        "To": "+4930901820",
        "From": "+4915735980000",
        "Body": "Grüße 😀",
        "StatusCallback": "https://cc.example/v1/webhooks/sms/account-1",
    }


def test_a_messaging_service_chooses_the_number_itself() -> None:
    _, (request,) = sent(address="MG1")

    assert request.form == {"To": "+4930901820", "MessagingServiceSid": "MG1", "Body": "Grüße 😀"}


@pytest.mark.parametrize(
    ("answer", "refusal", "concerns_account"),
    [
        (an_error(21_610), Refusal.RECIPIENT_GONE, False),
        (an_error(21_211), Refusal.RECIPIENT_GONE, False),
        (an_error(21_614), Refusal.RECIPIENT_GONE, False),
        (an_error(20_429, 429), Refusal.RETRY_LATER, True),
        (an_error(63_018, 429), Refusal.RETRY_LATER, True),
        (an_error(63_016), Refusal.WINDOW_CLOSED, False),
        (an_error(20_003, 401), Refusal.OUR_FAULT, True),
        (an_error(21_617), Refusal.OUR_FAULT, False),
        (an_error(99_999), Refusal.OUR_FAULT, False),
        (answers(404), Refusal.OUR_FAULT, False),
        (server_error(), Refusal.RETRY_LATER, False),
        (answers(503), Refusal.RETRY_LATER, False),
    ],
)
def test_each_code_is_one_of_four_refusals(answer: Scripted, refusal: Refusal, concerns_account: object) -> None:
    outcome, taken = sent(answer)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.concerns_account, len(taken)) == (refusal, concerns_account, 1)


def test_too_many_requests_say_for_how_long() -> None:
    outcome, _ = sent(too_many(7))

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.retry_after_seconds) == (Refusal.RETRY_LATER, 7.0)


@pytest.mark.parametrize("answer", [SILENCE, DROPPED, answers(502), answers(504), answers(201, {}), answers(201)])
def test_a_request_that_was_taken_without_a_clear_answer_is_unknown(answer: Scripted) -> None:
    outcome, taken = sent(answer)

    assert isinstance(outcome, Unknown)
    assert len(taken) == 1


def test_a_connection_that_is_refused_may_be_tried_again() -> None:
    async def attempt() -> Outcome:
        async with httpx.AsyncClient() as client:
            return await sms.send(a_number(await an_address_nobody_listens_at()), a_reply(), client)

    outcome = asyncio.run(attempt())

    assert isinstance(outcome, Rejected)
    assert outcome.refusal is Refusal.RETRY_LATER


def test_a_text_that_is_too_long_is_not_even_tried() -> None:
    outcome, taken = sent(reply=a_reply(text="x" * 1_601))

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, taken) == (Refusal.OUR_FAULT, [])


def test_a_file_is_got_with_the_accounts_token_from_twilios_hosts_only() -> None:
    asked: list[tuple[str, tuple[str, ...], dict[str, str]]] = []

    async def get(url: str, *, hosts: Collection[str], headers: Mapping[str, str] = {}) -> Fetched:
        asked.append((url, tuple(hosts), dict(headers)))
        return Fetched(body=b"bytes")

    attachment = Attachment(reference="https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1")
    found = asyncio.run(sms.fetch(a_number("https://api.twilio.com"), attachment, get))

    assert found.body == b"bytes"
    assert asked == [(attachment.reference, sms.MEDIA_HOSTS, {"authorization": BASIC})]
