"""A reply over HTTP, on a channel that is sent to: until when, how it fares, who decides about it."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import Held, Shop, a_held_conversation, a_shop
from tests.channels.scripted_provider import ScriptedProvider, answers, graph_error, scripted_provider
from tests.waiting import wait_until


@pytest.fixture
def provider(deployment: Deployment) -> Iterator[ScriptedProvider]:
    """As Meta's API, on the loop of the server."""
    serving = scripted_provider()
    yield deployment.run(serving.__aenter__())
    deployment.run(serving.__aexit__(None, None, None))


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller, provider: ScriptedProvider) -> Shop:
    settings = {"app_secret": "s", "verify_token": "v", "access_token": "t", "api_url": provider.url}
    return a_shop(deployment, administrator, "whatsapp", address="1122334455667", settings=settings)


def a_number() -> str:
    """Of a customer that no other test knows."""
    return f"+4930{secrets.randbelow(10**8):08}"


def stands(held: Held) -> str:
    """How the conversation's reply fares, as its line in the timeline shows."""
    lines = held.agent.shown(held.timeline)["items"]
    return next((str(line["delivery"]["status"]) for line in lines if "delivery" in line), "")


def alert(held: Held, position: int = 0) -> str:
    card = held.agent.shown(f"/v1/conversations/{held.conversation_id}", params={"min_position": position})
    said: str = card.get("alert", "")
    return said


def test_the_agent_knows_until_when_before_typing(shop: Shop) -> None:
    held = a_held_conversation(shop)

    card = held.agent.shown(f"/v1/conversations/{held.conversation_id}")

    until, heard = (datetime.fromisoformat(one) for one in (card["reply_until"], card["conversation"]["heard_at"]))
    assert until - heard == timedelta(days=1)
    assert held.agent.shown("/v1/conversations")["items"][0]["reply_until"] == card["reply_until"]


def test_a_reply_leaves_and_the_timeline_says_so(shop: Shop, provider: ScriptedProvider) -> None:
    number = a_number()
    held = a_held_conversation(shop, handle=number)

    sent = held.agent.done(f"{held.path}/reply", {"text": "On its way"})
    wait_until(lambda: stands(held) == "accepted", what="the provider accepts")

    (request,) = provider.taken
    assert (request.json["to"], request.json["text"]["body"]) == (number[1:], "On its way")
    assert request.json["biz_opaque_callback_data"] == sent["message_id"]
    decided = held.agent.post(f"{held.path}/messages/{sent['message_id']}/resend")
    assert (decided.status_code, decided.json()["type"]) == (409, "/problems/nothing-to-decide")


@pytest.mark.parametrize("verb", ["resend", "give_up"])
def test_who_has_the_conversation_decides_about_a_refused_reply(
    shop: Shop, provider: ScriptedProvider, verb: str
) -> None:
    provider.script.append(graph_error(131_026, "Message undeliverable"))
    held = a_held_conversation(shop, handle=a_number())
    sent = held.agent.done(f"{held.path}/reply", {"text": "On its way"})
    wait_until(lambda: alert(held) == "a reply was refused: 131026 Message undeliverable", what="the agent is alerted")
    stranger = shop.agent(is_available=False)
    message = f"{held.path}/messages/{sent['message_id']}"

    denied = stranger.post(f"{message}/{verb}")
    done = held.agent.done(f"{message}/{verb}")

    assert denied.status_code == 404
    assert alert(held, done["position"]) == ""
    if verb == "resend":
        wait_until(lambda: stands(held) == "accepted", what="the provider accepts the second time")
        assert [one.json["text"]["body"] for one in provider.taken] == ["On its way"] * 2


def test_a_reply_that_comes_too_late_is_refused_at_once(shop: Shop, provider: ScriptedProvider) -> None:
    yesterday = datetime.now(UTC) - timedelta(hours=25)
    held = a_held_conversation(shop, handle=a_number(), occurred_at=yesterday.isoformat())

    late = held.agent.post(f"{held.path}/reply", {"text": "Sorry"})

    assert (late.status_code, late.json()["type"]) == (409, "/problems/reply-window-closed")
    assert provider.taken == []


def test_who_unsubscribed_is_sent_nothing_again(
    deployment: Deployment, administrator: Caller, provider: ScriptedProvider
) -> None:
    settings = {"account_sid": "AC1", "auth_token": "t", "api_url": provider.url}
    shop = a_shop(deployment, administrator, "sms", address="+4915735980000", settings=settings)
    provider.script.append(answers(400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient"}))
    held = a_held_conversation(shop, handle=a_number())
    before = held.agent.shown(f"{held.path}/reply_limits")
    sent = held.agent.done(f"{held.path}/reply", {"text": "On its way"})
    wait_until(lambda: "unsubscribed with STOP" in alert(held), what="the agent is alerted")

    again = held.agent.post(f"{held.path}/reply", {"text": "On its way"})
    resent = held.agent.post(f"{held.path}/messages/{sent['message_id']}/resend")

    for refused in (again, resent):
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/customer-unreachable")
    limits = held.agent.shown(f"{held.path}/reply_limits")
    assert (before["takes_replies"], "stopped" in before) == (True, False)
    assert (limits["takes_replies"], limits["stopped"]) == (False, "unsubscribed")
    assert len(provider.taken) == 1


def test_who_blocked_the_account_is_sent_nothing_until_they_write_again(
    deployment: Deployment, administrator: Caller, provider: ScriptedProvider
) -> None:
    settings = {"secret_token": "s", "bot_token": "4711:T", "api_url": provider.url}
    shop = a_shop(deployment, administrator, "telegram", address="4711", settings=settings)
    blocked = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
    provider.script.append(answers(403, blocked))
    held = a_held_conversation(shop, handle="42")
    held.agent.done(f"{held.path}/reply", {"text": "On its way"})
    wait_until(lambda: "bot was blocked" in alert(held), what="the agent is alerted")

    again = held.agent.post(f"{held.path}/reply", {"text": "On its way"})
    limits = held.agent.shown(f"{held.path}/reply_limits")
    shop.bring("42", "Here I am")
    welcome = held.agent.shown(f"{held.path}/reply_limits")

    assert (again.status_code, again.json()["type"]) == (409, "/problems/customer-unreachable")
    assert (limits["takes_replies"], limits["stopped"], welcome["takes_replies"]) == (False, "blocked", True)
    assert len(provider.taken) == 1
