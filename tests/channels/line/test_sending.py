"""LINE on the way out: pushes that may be repeated without harm, what every answer means, and how a file is got."""

import asyncio
import uuid
from typing import Any

import pytest

from application.exchange.media import MediaRefused
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected
from channels import line
from domain.account import AccountDefinition
from domain.interaction import Attachment
from tests.channels.posted import an_account
from tests.channels.replies import Keeper, a_reply, attempted
from tests.channels.scripted_provider import (
    DROPPED,
    SILENCE,
    Scripted,
    Taken,
    an_address_nobody_listens_at,
    answers,
    server_error,
    too_many,
)

ANA = "U" + "a" * 32


def account(url: str) -> AccountDefinition:
    return an_account("line", "U123", channel_secret="s", access_token="token-1", api_url=url)


def accepts(_: Taken, number: int) -> Scripted:
    return answers(200, {"sentMessages": [{"id": f"46123096684206489{number}", "quoteToken": "IStG5h1Tz7b"}]})


def refuses(status: int, message: str) -> Scripted:
    return answers(status, {"message": message})


def sent(*script: Scripted, reply: Outgoing | None = None) -> tuple[Outcome, list[Taken]]:
    return attempted(line.send, account, *script, accepts=accepts, reply=reply or a_reply(handle=ANA))


def test_a_text_is_pushed_with_a_key_that_is_the_same_on_every_attempt() -> None:
    outcome, (request,) = sent(reply=a_reply(handle=ANA, in_reply_to="325708"))
    _, (again,) = sent()
    _, (other,) = sent(reply=a_reply(handle=ANA, message_id="message-2"))

    assert outcome == Accepted(provider_id="461230966842064891")
    assert (request.method, request.path) == ("POST", "/v2/bot/message/push")
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.json == {"to": ANA, "messages": [{"type": "text", "text": "Grüße 😀"}]}
    keys = [str(uuid.UUID(one.headers["x-line-retry-key"])) for one in (request, again, other)]
    assert keys[0] == keys[1] != keys[2]


def test_what_was_said_in_a_group_is_answered_there() -> None:
    _, (request,) = sent(reply=a_reply(handle=ANA, thread="C1"))

    assert request.json["to"] == "C1"


def test_a_repeat_that_was_accepted_before_gives_the_earlier_result() -> None:
    before = {"message": "The retry key is already accepted", "sentMessages": [{"id": "461230966842064899"}]}

    outcome, _ = sent(answers(409, before, x_line_accepted_request_id="123e4567"))
    without_ids, _ = sent(answers(409, {"message": "x"}, x_line_accepted_request_id="123e4567"))

    assert outcome == Accepted(provider_id="461230966842064899", answer="accepted before")
    assert without_ids == Accepted(provider_id="request:123e4567", answer="accepted before")


def test_a_text_over_the_limit_is_refused_and_not_cut() -> None:
    accepted, _ = sent(reply=a_reply(handle=ANA, text="😀" * 2_500))
    refused, taken = sent(reply=a_reply(handle=ANA, text="😀" * 2_500 + "x"))

    assert isinstance(accepted, Accepted)
    assert isinstance(refused, Rejected)
    assert (refused.refusal, taken) == (Refusal.OUR_FAULT, [])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (too_many(3), {"refusal": Refusal.RETRY_LATER, "retry_after_seconds": 3.0, "concerns_account": True}),
        (
            refuses(429, "You have reached your monthly limit."),
            {"refusal": Refusal.OUR_FAULT, "concerns_account": True},
        ),
        (server_error(), {"refusal": Refusal.RETRY_LATER}),
        (answers(502), {"refusal": Refusal.RETRY_LATER}),
        (SILENCE, {"refusal": Refusal.RETRY_LATER}),
        (DROPPED, {"refusal": Refusal.RETRY_LATER}),
        (refuses(400, "Failed to send messages"), {"refusal": Refusal.RECIPIENT_GONE}),
        (refuses(401, "Authentication failed"), {"refusal": Refusal.OUR_FAULT, "concerns_account": True}),
        (refuses(403, "Not authorized"), {"refusal": Refusal.OUR_FAULT}),
        (refuses(400, "The request body has 1 error(s)"), {"refusal": Refusal.OUR_FAULT, "concerns_account": False}),
    ],
)
def test_every_refusal_is_one_of_four_and_silence_may_be_tried_again(
    answer: Scripted, expected: dict[str, Any]
) -> None:
    outcome, taken = sent(answer)

    assert isinstance(outcome, Rejected)
    assert {name: getattr(outcome, name) for name in expected} == expected
    assert len(taken) == 1


def test_a_refused_connection_may_be_tried_again() -> None:
    url = asyncio.run(an_address_nobody_listens_at())

    outcome, _ = attempted(line.send, lambda _: account(url), accepts=accepts)

    assert isinstance(outcome, Rejected)
    assert outcome.refusal is Refusal.RETRY_LATER


def test_an_account_without_a_token_only_receives() -> None:
    receiver = an_account("line", "U123", channel_secret="s")

    outcome, taken = attempted(line.send, lambda _: receiver, accepts=accepts)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.reason.startswith("settings.access_token"), taken) == (Refusal.OUR_FAULT, True, [])


def test_a_file_is_got_from_lines_own_host_with_the_token() -> None:
    keep = Keeper(b"jpeg")
    definition = an_account("line", "U123", channel_secret="s", access_token="token-1")

    found = asyncio.run(line.fetch(definition, Attachment(reference="325708"), keep))

    assert found.body == b"jpeg"
    assert keep.asked == [
        (
            "https://api-data.line.me/v2/bot/message/325708/content",
            ("api-data.line.me",),
            {"authorization": "Bearer token-1"},
        )
    ]


def test_a_file_at_anybody_elses_host_is_not_fetched() -> None:
    keep = Keeper(b"?")

    with pytest.raises(MediaRefused, match=r"a\.example"):
        asyncio.run(line.fetch(account("https://x"), Attachment(reference="https://a.example/v"), keep))

    assert keep.asked == []
