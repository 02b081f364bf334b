"""WeChat and WeCom on the way out: tokens, the error codes that come with status 200, and unknown outcomes."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from types import ModuleType
from typing import Any

import httpx
import pytest

from application.exchange.media import Fetched, MediaRefused
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from channels import wechat, wecom
from domain.account import AccountDefinition
from domain.interaction import Attachment
from domain.outbound.reach import Reach
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
from tests.channels.wechat.sealed import a_wechat_account, a_wecom_account

REPLY = Outgoing(
    conversation_id="conversation-1",
    message_id="message-0193a7c20000700080000000000000aa",
    handle="oA1",
    text="你好 😀",
    written_at=NOON,
    heard_at=NOON - timedelta(hours=1),
)
OK = answers(200, {"errcode": 0, "errmsg": "ok"})
WECHAT, WECOM = (wechat, a_wechat_account), (wecom, a_wecom_account)
BOTH = [WECHAT, WECOM]
Medium = tuple[ModuleType, Any]


def an_error(code: int) -> Scripted:
    return answers(200, {"errcode": code, "errmsg": "refused hint: [x]"})


def lends_and(*script: Scripted) -> Any:
    """Lends a new token each time it is asked, and answers all else by the script, then with success."""
    waiting, lent = list(script), [0]

    def accepts(taken: Taken, _: int) -> Scripted:
        if "stable_token" in taken.path or "gettoken" in taken.path:
            lent[0] += 1
            return answers(200, {"access_token": f"token-{lent[0]}", "expires_in": 7200})
        return waiting.pop(0) if waiting else OK

    return accepts


def sent(medium: Medium, *script: Scripted, first: Sequence[Scripted] = ()) -> tuple[Outcome, list[Taken]]:
    module, an_account = medium

    async def attempt() -> tuple[Outcome, list[Taken]]:
        async with (
            scripted_provider(*first, accepts=lends_and(*script)) as provider,
            httpx.AsyncClient(timeout=patience(*first, *script)) as client,
        ):
            return await module.send(an_account(api_url=provider.url), REPLY, client), provider.taken

    return asyncio.run(attempt())


def test_wechat_lends_the_token_that_all_processes_share_and_gives_no_id_back() -> None:
    outcome, (token, message) = sent(WECHAT)

    assert outcome == Accepted(provider_id=REPLY.message_id)
    assert (token.method, token.path) == ("POST", "/cgi-bin/stable_token")
    assert token.json == {"grant_type": "client_credential", "appid": "wx5823bf96d3bd56c7", "secret": "secret"}
    assert (message.method, message.path) == ("POST", "/cgi-bin/message/custom/send?access_token=token-1")
    assert message.json == {"touser": "oA1", "msgtype": "text", "text": {"content": "你好 😀"}}
    assert "你好 😀".encode() in message.body


def test_wecom_is_given_our_own_id_and_gives_one_back() -> None:
    outcome, (token, message) = sent(WECOM, answers(200, {"errcode": 0, "errmsg": "ok", "msgid": "given"}))

    assert outcome == Accepted(provider_id="given")
    assert (token.method, token.path) == ("GET", "/cgi-bin/gettoken?corpid=wx5823bf96d3bd56c7&corpsecret=secret")
    assert message.path == "/cgi-bin/kf/send_msg?access_token=token-1"
    assert message.json == {
        "touser": "oA1",
        "open_kfid": "wkxx",
        "msgid": "0193a7c20000700080000000000000aa",
        "msgtype": "text",
        "text": {"content": "你好 😀"},
    }


@pytest.mark.parametrize(
    ("medium", "answer", "refusal", "concerns_account"),
    [
        (WECHAT, an_error(45_015), Refusal.WINDOW_CLOSED, False),
        (WECHAT, an_error(45_047), Refusal.WINDOW_CLOSED, False),
        (WECHAT, an_error(40_003), Refusal.RECIPIENT_GONE, False),
        (WECHAT, an_error(43_004), Refusal.RECIPIENT_GONE, False),
        (WECHAT, an_error(43_019), Refusal.RECIPIENT_GONE, False),
        (WECHAT, an_error(-1), Refusal.RETRY_LATER, False),
        (WECHAT, an_error(45_009), Refusal.RETRY_LATER, True),
        (WECHAT, an_error(48_001), Refusal.OUR_FAULT, False),
        (WECHAT, an_error(987_654), Refusal.OUR_FAULT, False),
        (WECHAT, answers(200, {"errcode": "?"}), Refusal.OUR_FAULT, False),
        (WECHAT, too_many(7), Refusal.RETRY_LATER, False),
        (WECHAT, server_error(), Refusal.RETRY_LATER, False),
        (WECOM, an_error(95_001), Refusal.WINDOW_CLOSED, False),
        (WECOM, an_error(95_002), Refusal.WINDOW_CLOSED, False),
        (WECOM, an_error(84_061), Refusal.RECIPIENT_GONE, False),
        (WECOM, an_error(45_009), Refusal.RETRY_LATER, True),
        (WECOM, an_error(95_000), Refusal.OUR_FAULT, False),
        (WECOM, server_error(), Refusal.RETRY_LATER, False),
    ],
)
def test_each_code_is_one_of_four_refusals(
    medium: Medium, answer: Scripted, refusal: Refusal, concerns_account: object
) -> None:
    outcome, _ = sent(medium, answer)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.concerns_account) == (refusal, concerns_account)


@pytest.mark.parametrize(("code", "reach"), [(43_004, Reach.BLOCKED), (50_005, Reach.BLOCKED), (43_019, None)])
def test_who_follows_no_more_has_left_and_who_is_on_our_own_black_list_has_not(code: int, reach: Reach | None) -> None:
    outcome, _ = sent(WECHAT, an_error(code))

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.reach) == (Refusal.RECIPIENT_GONE, reach)


@pytest.mark.parametrize("medium", BOTH)
@pytest.mark.parametrize("code", [40_001, 40_014, 42_001])
def test_a_stale_token_is_replaced_once(medium: Medium, code: int) -> None:
    outcome, taken = sent(medium, an_error(code))

    assert isinstance(outcome, Accepted)
    assert [one.path.partition("access_token=")[2] for one in taken] == ["", "token-1", "", "token-2"]


@pytest.mark.parametrize("medium", BOTH)
def test_a_token_that_stays_stale_is_our_fault_and_the_whole_accounts(medium: Medium) -> None:
    outcome, taken = sent(medium, an_error(40_001), an_error(40_001))

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.concerns_account) == (Refusal.OUR_FAULT, True)
    assert len(taken) == 4


@pytest.mark.parametrize("medium", BOTH)
@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (an_error(40_013), Refusal.OUR_FAULT),
        (an_error(-1), Refusal.RETRY_LATER),
        (server_error(), Refusal.RETRY_LATER),
        (DROPPED, Refusal.RETRY_LATER),
        (SILENCE, Refusal.RETRY_LATER),
    ],
)
def test_without_a_token_nothing_is_sent(medium: Medium, answer: Scripted, refusal: Refusal, monkeypatch: Any) -> None:
    monkeypatch.setattr("channels.edge.tencent_api.TOKEN_SECONDS_MAX", 0.2)

    outcome, taken = sent(medium, first=[answer])

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.concerns_account, len(taken)) == (refusal, True, 1)
    assert "secret" not in outcome.reason


@pytest.mark.parametrize("medium", BOTH)
@pytest.mark.parametrize("answer", [SILENCE, DROPPED, answers(502), answers(504), answers(200, {}), answers(200)])
def test_a_request_that_was_taken_without_a_clear_answer_is_unknown(medium: Medium, answer: Scripted) -> None:
    outcome, taken = sent(medium, answer)

    assert isinstance(outcome, Unknown)
    assert len(taken) == 2


@pytest.mark.parametrize("medium", BOTH)
def test_a_provider_that_cannot_be_reached_may_be_tried_again(medium: Medium) -> None:
    module, an_account = medium

    async def attempt() -> Outcome:
        async with httpx.AsyncClient() as client:
            account = an_account(api_url=await an_address_nobody_listens_at())
            outcome: Outcome = await module.send(account, REPLY, client)
            return outcome

    outcome = asyncio.run(attempt())

    assert isinstance(outcome, Rejected)
    assert outcome.refusal is Refusal.RETRY_LATER


@pytest.mark.parametrize("settings", [{"app_secret": ""}, {"api_url": "no-url"}])
def test_an_account_that_cannot_send_says_so_at_once(settings: dict[str, str]) -> None:
    async def attempt() -> Outcome:
        async with httpx.AsyncClient() as client:
            return await wechat.send(a_wechat_account(**settings), REPLY, client)

    outcome = asyncio.run(attempt())

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.concerns_account) == (Refusal.OUR_FAULT, True)


def fetched(medium: Medium, *bodies: bytes) -> tuple[Fetched, list[str], set[str]]:
    """What a medium gets for `media-1` from a provider that gives these bodies in turn."""
    module, an_account = medium
    waiting, urls, allowed = list(bodies), list[str](), set[str]()

    async def get(url: str, *, hosts: Collection[str], headers: Mapping[str, str] = {}) -> Fetched:
        assert not headers
        urls.append(url)
        allowed.update(hosts)
        return Fetched(body=waiting.pop(0))

    async def attempt() -> Fetched:
        async with scripted_provider(accepts=lends_and()) as provider:
            account: AccountDefinition = an_account(api_url=provider.url)
            found: Fetched = await module.fetch(account, Attachment(reference="media/1"), get)
            return found

    return asyncio.run(attempt()), urls, allowed


@pytest.mark.parametrize("medium", BOTH)
def test_media_are_got_at_the_api_with_a_token_that_may_be_replaced_once(medium: Medium) -> None:
    found, urls, hosts = fetched(medium, b'{"errcode":42001,"errmsg":"expired"}', b"\xff\xd8\xff")

    assert found.body == b"\xff\xd8\xff"
    paths = [url.partition("/cgi-bin/")[2] for url in urls]
    assert paths == [f"media/get?access_token=token-{number}&media_id=media%2F1" for number in (1, 2)]
    assert hosts == {"127.0.0.1"}


@pytest.mark.parametrize("medium", BOTH)
@pytest.mark.parametrize(("code", "is_final"), [(40_007, True), (-1, False), (45_009, False)])
def test_an_error_in_place_of_a_file_is_not_taken_for_one(medium: Medium, code: int, is_final: object) -> None:
    with pytest.raises(MediaRefused) as refused:
        fetched(medium, b'{"errcode":%d,"errmsg":"no"}' % code)

    assert refused.value.is_final is is_final


def test_a_file_that_looks_like_json_is_a_file() -> None:
    found, _, _ = fetched(WECOM, b'{"order": 7}')

    assert found.body == b'{"order": 7}'
