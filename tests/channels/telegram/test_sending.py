"""Telegram on the way out: where a text goes, what every answer means, and how a file is got."""

import asyncio
from typing import Any

import pytest

from application.exchange.media import MediaRefused
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from channels import telegram
from domain.account import AccountDefinition
from domain.interaction import Attachment
from domain.outbound.reach import Reach
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
)

GONE = {"refusal": Refusal.RECIPIENT_GONE, "reach": None}
BLOCKED = {"refusal": Refusal.RECIPIENT_GONE, "reach": Reach.BLOCKED}
TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


def account(url: str) -> AccountDefinition:
    return an_account("telegram", "110201543", secret_token="s", bot_token=TOKEN, api_url=url)


def accepts(request: Taken, number: int) -> Scripted:
    chat = {"id": int(request.json["chat_id"]), "type": "private"}
    return answers(200, {"ok": True, "result": {"message_id": number, "date": 1, "chat": chat}})


def refuses(status: int, description: str, **parameters: Any) -> Scripted:
    body = {"ok": False, "error_code": status, "description": description}
    return answers(status, body | ({"parameters": parameters} if parameters else {}))


def sent(*script: Scripted, reply: Outgoing | None = None) -> tuple[Outcome, list[Taken]]:
    return attempted(telegram.send, account, *script, accepts=accepts, reply=reply or a_reply(handle="42"))


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({}, {"chat_id": "42"}),
        (
            {"in_reply_to": "42:7"},
            {"chat_id": "42", "reply_parameters": {"message_id": 7, "allow_sending_without_reply": True}},
        ),
        ({"in_reply_to": "42:7#edit.9"}, {"chat_id": "42"}),
        ({"in_reply_to": "42:#my_chat_member.9"}, {"chat_id": "42"}),
        (
            {"thread": "-100123", "in_reply_to": "-100123:7"},
            {"chat_id": "-100123", "reply_parameters": {"message_id": 7, "allow_sending_without_reply": True}},
        ),
        ({"thread": "-100123:5"}, {"chat_id": "-100123", "message_thread_id": 5}),
        (
            {"thread": "business:bc", "in_reply_to": "bc:42:7"},
            {
                "chat_id": "42",
                "business_connection_id": "bc",
                "reply_parameters": {"message_id": 7, "allow_sending_without_reply": True},
            },
        ),
    ],
)
def test_a_text_goes_where_the_customer_wrote(changes: dict[str, str], body: dict[str, Any]) -> None:
    outcome, (request,) = sent(reply=a_reply(handle="42", **changes))

    assert isinstance(outcome, Accepted)
    assert (request.method, request.path) == ("POST", f"/bot{TOKEN}/sendMessage")
    assert request.json == {"text": "Grüße 😀"} | body


def test_the_id_of_what_was_sent_is_the_one_that_updates_will_name() -> None:
    outcome, _ = sent()
    in_business, _ = sent(reply=a_reply(handle="42", thread="business:bc"))

    assert outcome == Accepted(provider_id="42:1")
    assert in_business == Accepted(provider_id="bc:42:1")


def test_a_group_that_moved_is_written_to_where_it_is_now_and_once() -> None:
    moved = refuses(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-100999)

    outcome, taken = sent(moved, reply=a_reply(handle="42", thread="-555", in_reply_to="-555:7"))

    assert outcome == Accepted(provider_id="-100999:2")
    assert [request.json["chat_id"] for request in taken] == ["-555", "-100999"]
    assert "reply_parameters" not in taken[1].json


def test_a_text_over_the_limit_is_refused_and_not_cut() -> None:
    accepted, _ = sent(reply=a_reply(handle="42", text="x" * 4_096))
    refused, taken = sent(reply=a_reply(handle="42", text="x" * 4_097))

    assert isinstance(accepted, Accepted)
    assert isinstance(refused, Rejected)
    assert (refused.refusal, taken) == (Refusal.OUR_FAULT, [])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            refuses(429, "Too Many Requests: retry after 5", retry_after=5),
            {"refusal": Refusal.RETRY_LATER, "retry_after_seconds": 5.0, "concerns_account": True},
        ),
        (server_error(), {"refusal": Refusal.RETRY_LATER, "retry_after_seconds": None}),
        (refuses(403, "Forbidden: bot was blocked by the user"), BLOCKED),
        (refuses(403, "Forbidden: user is deactivated"), BLOCKED),
        (refuses(403, "Forbidden: bot was kicked from the supergroup chat"), BLOCKED),
        (refuses(403, "Forbidden: bot is not a member of the channel chat"), BLOCKED),
        (refuses(403, "Forbidden: bot can't initiate conversation with a user"), GONE),
        (refuses(400, "Bad Request: chat not found"), GONE),
        (refuses(401, "Unauthorized"), {"refusal": Refusal.OUR_FAULT, "concerns_account": True}),
        (refuses(404, "Not Found"), {"refusal": Refusal.OUR_FAULT, "concerns_account": True}),
        (refuses(400, "Bad Request: never heard of"), {"refusal": Refusal.OUR_FAULT, "concerns_account": False}),
    ],
)
def test_every_refusal_is_one_of_four(answer: Scripted, expected: dict[str, Any]) -> None:
    outcome, taken = sent(answer)

    assert isinstance(outcome, Rejected)
    assert {name: getattr(outcome, name) for name in expected} == expected
    assert len(taken) == 1


@pytest.mark.parametrize("answer", [SILENCE, DROPPED, answers(200, {"ok": True}), answers(502)])
def test_no_clear_answer_after_the_request_left_is_unknown(answer: Scripted) -> None:
    outcome, taken = sent(answer)

    assert isinstance(outcome, Unknown)
    assert (TOKEN in outcome.reason, len(taken)) == (False, 1)


def test_a_refused_connection_may_be_tried_again() -> None:
    url = asyncio.run(an_address_nobody_listens_at())

    outcome, _ = attempted(telegram.send, lambda _: account(url), accepts=accepts)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, TOKEN in outcome.reason) == (Refusal.RETRY_LATER, False)


def test_a_bot_without_a_token_only_receives() -> None:
    receiver = an_account("telegram", "110201543", secret_token="s")

    outcome, taken = attempted(telegram.send, lambda _: receiver, accepts=accepts)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.reason.startswith("settings.bot_token"), taken) == (Refusal.OUR_FAULT, True, [])


def test_a_file_is_got_in_two_steps_from_telegrams_own_host() -> None:
    keep = Keeper(b'{"ok": true, "result": {"file_id": "AgAC", "file_path": "photos/file 7.jpg"}}', b"jpeg")
    definition = an_account("telegram", "110201543", secret_token="s", bot_token=TOKEN)

    found = asyncio.run(telegram.fetch(definition, Attachment(reference="Ag/AC"), keep))

    assert found.body == b"jpeg"
    assert [(url, hosts) for url, hosts, _ in keep.asked] == [
        (f"https://api.telegram.org/bot{TOKEN}/getFile?file_id=Ag%2FAC", ("api.telegram.org",)),
        (f"https://api.telegram.org/file/bot{TOKEN}/photos/file%207.jpg", ("api.telegram.org",)),
    ]


@pytest.mark.parametrize("bodies", [(), (b"{",), (b'{"ok": true, "result": {}}',)])
def test_a_file_that_is_refused_is_refused_without_the_token_in_the_reason(bodies: tuple[bytes, ...]) -> None:
    definition = an_account("telegram", "110201543", secret_token="s", bot_token=TOKEN)

    with pytest.raises(MediaRefused) as refused:
        asyncio.run(telegram.fetch(definition, Attachment(reference="AgAC"), Keeper(*bodies)))

    assert TOKEN not in str(refused.value)
