"""Messenger and Instagram on the way out: what is sent, when it is tagged, and what every answer means."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from channels import instagram, messenger
from domain.account import AccountDefinition
from domain.interaction import Attachment
from domain.outbound.reach import Reach
from tests.channels.messenger.samples import CDN
from tests.channels.posted import an_account
from tests.channels.replies import NOON, Keeper, a_reply, attempted
from tests.channels.scripted_provider import (
    DROPPED,
    SILENCE,
    Scripted,
    Taken,
    an_address_nobody_listens_at,
    answers,
    graph_error,
    server_error,
    too_many,
)

GONE = {"refusal": Refusal.RECIPIENT_GONE, "reach": None}
BLOCKED = {"refusal": Refusal.RECIPIENT_GONE, "reach": Reach.BLOCKED}
BOTH = pytest.mark.parametrize("medium", [messenger, instagram])


def accepts(_: Taken, number: int) -> Scripted:
    return answers(200, {"recipient_id": "4357001", "message_id": f"m_{number}"})


def account_of(medium: ModuleType, **settings: str) -> Callable[[str], AccountDefinition]:
    given = {"app_secret": "s", "verify_token": "v", "access_token": "token-1"} | settings
    return lambda url: an_account(medium.__name__.rpartition(".")[2], "1067", **given, api_url=url)


def sent(
    medium: ModuleType, *script: Scripted, reply: Outgoing | None = None, **settings: str
) -> tuple[Outcome, list[Taken]]:
    return attempted(medium.send, account_of(medium, **settings), *script, accepts=accepts, reply=reply)


@pytest.mark.parametrize(
    ("medium", "settings", "path", "marks"),
    [
        (messenger, {}, "/1067/messages", {"metadata": "message-1"}),
        (instagram, {}, "/me/messages", {"metadata": "message-1"}),
        (instagram, {"page_id": "555"}, "/555/messages", {"metadata": "message-1"}),
        (instagram, {"login": "instagram"}, "/1067/messages", {}),
    ],
)
def test_a_text_goes_to_the_person_with_all_that_is_needed_to_find_it_again(
    medium: ModuleType, settings: dict[str, str], path: str, marks: dict[str, str]
) -> None:
    outcome, (request,) = sent(medium, reply=a_reply(in_reply_to="m_q"), **settings)

    assert outcome == Accepted(provider_id="m_1")
    assert (request.method, request.path) == ("POST", path)
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.json == {
        "recipient": {"id": "4357001"},
        "messaging_type": "RESPONSE",
        "message": {"text": "Grüße 😀"} | marks,
        "reply_to": {"mid": "m_q"},
    }


@BOTH
def test_what_a_person_writes_after_a_day_is_tagged_and_a_machines_words_stay_here(medium: ModuleType) -> None:
    late = {"heard_at": NOON - timedelta(hours=24, seconds=1)}

    _, (request,) = sent(medium, reply=a_reply(**late))
    outcome, taken = sent(medium, reply=a_reply(**late, is_automatic=True))
    _, (in_time,) = sent(medium, reply=a_reply(heard_at=NOON - timedelta(hours=24)))

    assert (request.json["messaging_type"], request.json["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")
    assert (in_time.json["messaging_type"], "tag" in in_time.json) == ("RESPONSE", False)
    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, taken) == (Refusal.WINDOW_CLOSED, [])


@BOTH
@pytest.mark.parametrize("latest", ["", "m_1#edit.2", "#optin.4357001.1", "#sha256:00"])
def test_only_a_message_is_quoted(medium: ModuleType, latest: str) -> None:
    _, (request,) = sent(medium, reply=a_reply(in_reply_to=latest))

    assert "reply_to" not in request.json


def test_somebody_known_by_a_checkbox_only_is_written_to_by_its_reference() -> None:
    _, (request,) = sent(messenger, reply=a_reply(handle="user_ref:ref-7"))

    assert request.json["recipient"] == {"user_ref": "ref-7"}


@pytest.mark.parametrize(("medium", "longest"), [(messenger, "x" * 2_000), (instagram, "é" * 500)])
def test_a_text_over_the_limit_is_refused_and_not_cut(medium: ModuleType, longest: str) -> None:
    accepted, _ = sent(medium, reply=a_reply(text=longest))
    refused, taken = sent(medium, reply=a_reply(text=longest + "x"))

    assert isinstance(accepted, Accepted)
    assert isinstance(refused, Rejected)
    assert (refused.refusal, "at most" in refused.reason, taken) == (Refusal.OUR_FAULT, True, [])


@BOTH
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (too_many(7), {"refusal": Refusal.RETRY_LATER, "retry_after_seconds": 7.0}),
        (server_error(), {"refusal": Refusal.RETRY_LATER, "retry_after_seconds": None}),
        (graph_error(613, "Calls to this api have exceeded the rate limit"), {"refusal": Refusal.RETRY_LATER}),
        (graph_error(10, "Outside of allowed window", subcode=2018278), {"refusal": Refusal.WINDOW_CLOSED}),
        (graph_error(551, "This person isn't available right now", subcode=1545041), BLOCKED),
        (graph_error(10, "This person isn't receiving messages from you right now", subcode=2018108), BLOCKED),
        (graph_error(200, "This person isn't receiving messages from you right now", subcode=1545041), BLOCKED),
        (graph_error(551, "This person isn't available right now"), GONE),
        (graph_error(100, "No matching user found", subcode=2018001), GONE),
        (graph_error(190, "Expired", status=401), {"refusal": Refusal.OUR_FAULT, "concerns_account": True}),
        (graph_error(987654, "Never heard of"), {"refusal": Refusal.OUR_FAULT, "concerns_account": False}),
    ],
)
def test_every_refusal_is_one_of_four(medium: ModuleType, answer: Scripted, expected: dict[str, Any]) -> None:
    outcome, taken = sent(medium, answer)

    assert isinstance(outcome, Rejected)
    assert {name: getattr(outcome, name) for name in expected} == expected
    assert len(taken) == 1


@BOTH
@pytest.mark.parametrize("answer", [SILENCE, DROPPED])
def test_no_answer_after_the_request_left_is_unknown(medium: ModuleType, answer: Scripted) -> None:
    outcome, taken = sent(medium, answer)

    assert isinstance(outcome, Unknown)
    assert len(taken) == 1


@BOTH
def test_a_refused_connection_may_be_tried_again(medium: ModuleType) -> None:
    url = asyncio.run(an_address_nobody_listens_at())

    outcome, _ = attempted(medium.send, lambda _: account_of(medium)(url), accepts=accepts)

    assert isinstance(outcome, Rejected)
    assert outcome.refusal is Refusal.RETRY_LATER


@BOTH
def test_media_are_got_from_metas_own_hosts_only(medium: ModuleType) -> None:
    keep = Keeper(b"jpeg")

    found = asyncio.run(medium.fetch(account_of(medium)(""), Attachment(reference=CDN), keep))

    assert found.body == b"jpeg"
    assert keep.asked == [(CDN, (".fbcdn.net", ".fbsbx.com", ".cdninstagram.com"), {})]
