"""WeCom from the callback to the log: nudged, asked for, kept, read."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.api.deliveries.situations import received
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop
from tests.channels.scripted_provider import Scripted, ScriptedProvider, Taken, answers, scripted_provider
from tests.channels.wechat.sealed import a_wecom_account, callback, sealed, signed_query
from tests.waiting import wait_until

NUDGE = b"<xml><MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>ENC</Token><OpenKfId>wkxx</OpenKfId></xml>"


def accepts(taken: Taken, _: int) -> Scripted:
    if "gettoken" in taken.path:
        return answers(200, {"access_token": "token", "expires_in": 7200})
    item = {"msgid": "m1", "open_kfid": "wkxx", "external_userid": "wmxx", "origin": 3, "send_time": 1_615_478_585}
    items = [item | {"msgtype": "text", "text": {"content": "你好 😀"}}] if "token" in taken.json else []
    return answers(200, {"errcode": 0, "errmsg": "ok", "next_cursor": "c1", "has_more": 0, "msg_list": items})


def asked(provider: ScriptedProvider) -> list[str | None]:
    """The token of each time that a page was asked for."""
    return [taken.json.get("token") for taken in provider.taken if "sync_msg" in taken.path]


@pytest.fixture
def provider(deployment: Deployment) -> Iterator[ScriptedProvider]:
    serving = scripted_provider(accepts=accepts)
    yield deployment.run(serving.__aenter__())
    deployment.run(serving.__aexit__(None, None, None))


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller, provider: ScriptedProvider) -> Shop:
    settings = a_wecom_account(api_url=provider.url).settings
    return a_shop(deployment, administrator, channel="wecom", address="wkxx", settings=settings)


def test_a_nudge_leads_to_the_message_it_was_about(
    deployment: Deployment, shop: Shop, provider: ScriptedProvider
) -> None:
    wait_until(lambda: len(asked(provider)) == 1, what="the poll without a nudge")
    posted = callback(NUDGE, at=datetime.now(UTC))
    hook = f"/v1/webhooks/wecom/{shop.account_id}"

    answer = deployment.anybody().ask("POST", hook, content=posted.raw, params=dict(posted.query))

    assert (answer.status_code, answer.content) == (200, b"success")
    wait_until(lambda: received(shop) == ["你好 😀"], what="the message in the log")
    assert asked(provider) == [None, "ENC"]


def test_the_handshake_is_answered_with_what_was_sealed(deployment: Deployment, shop: Shop) -> None:
    echo = sealed(b"1616140317555161061")
    query = signed_query(echo, at=datetime.now(UTC)) | {"echostr": echo}

    answer = deployment.anybody().ask("GET", f"/v1/webhooks/wecom/{shop.account_id}", params=query)

    assert (answer.status_code, answer.text) == (200, "1616140317555161061")
