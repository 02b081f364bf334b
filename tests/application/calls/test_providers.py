"""Whole calls as each telephone system posts them, every event twice and the first once more at the end."""

import json

import pytest
from msgspec.structs import replace

from channels.edge.payload import Posted
from channels.telephony import live
from domain.account import AccountDefinition
from domain.calls.stages import CallAnswered, CallLogged, CallRang, KnownCall, Stage
from domain.conversation import Status
from tests.application.situations import Shop
from tests.channels.phone.live_events import PLACETEL_ID, a_form, a_line, from_sipgate, from_twilio
from tests.channels.posted import posted

pytestmark = pytest.mark.anyio

ANA = f"agent-{'a' * 32}"
AGENTS = f"w0={ANA}, 7777abcdefg@fpbx.de={ANA}, client:ana={ANA}, 204={ANA}"


def sipgate(*ends: str) -> list[Posted]:
    rings = from_sipgate("newCall", **{"userId[]": "w0", "fullUserId[]": "1234567w0"})
    answered = from_sipgate("answer", user="Ana", userId="w0", fullUserId="1234567w0", answeringNumber="21199999999")
    return [rings, *([answered] if "answer" in ends else []), from_sipgate("hangup", cause=ends[-1])]


def placetel(*ends: str) -> list[Posted]:
    told = {"from": "022129191999", "to": "022129191998", "call_id": PLACETEL_ID}
    answered = a_form(event="CallAccepted", **told, peer="7777abcdefg@fpbx.de")
    rings, over = a_form(event="IncomingCall", **told), a_form(event="HungUp", **told, type=ends[-1])
    return [rings, *([answered] if "answer" in ends else []), over]


def twilio(*ends: str) -> list[Posted]:
    leg = {"CallSid": "CA2", "ParentCallSid": "CA1", "Direction": "outbound-dial", "To": "client:ana"}
    answered = [from_twilio("in-progress", **leg), from_twilio("completed", **leg, CallDuration="30")]
    legs = [from_twilio("ringing", **leg), *(answered if "answer" in ends else [from_twilio("no-answer", **leg)])]
    return [from_twilio("ringing"), from_twilio("in-progress"), *legs, from_twilio(ends[-1], CallDuration="42")]


def generic(*ends: str) -> list[Posted]:
    told: dict[str, object] = {"callId": "7", "from": "4930901820", "to": "204", "direction": "in"}
    events = [told | {"event": "newCall", "user": ["204"]}]
    events += [told | {"event": "answer", "user": "204"}] if "answer" in ends else []
    return [posted(json.dumps(one).encode()) for one in [*events, told | {"event": "hangup", "cause": ends[-1]}]]


async def lived_through(shop: Shop, definition: AccountDefinition, story: list[Posted]) -> KnownCall:
    """What is known in the end of the one call that the story is about."""
    _, account_id = await shop.set_up.define_account(shop.command(), None, replace(definition, queue_id=shop.queue_id))
    await shop.directory_follower.catch_up()
    callers = set()
    twice = [again for one in story for again in (one, one)]
    for event in [*twice, story[0]]:
        for _, call in live.parse(definition, event).calls:
            told = replace(call, occurred_at=shop.clock())
            _, caller = await shop.calls.take(shop.command(), told, account_id=account_id)
            callers.add(caller)
        shop.clock.wait(1)
    (caller,) = callers
    (known,) = (await shop.customer(caller)).calls.values()
    return known


PROVIDERS = {"sipgate": sipgate, "placetel": placetel, "twilio": twilio, "generic": generic}
ANSWERED = {"sipgate": "normalClearing", "placetel": "accepted", "twilio": "completed", "generic": "answered"}
MISSED = {"sipgate": "noAnswer", "placetel": "missed", "twilio": "completed", "generic": "missed"}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_call_that_is_answered_is_one_call_of_whoever_took_it(shop: Shop, provider: str) -> None:
    head = await shop.log.head()

    known = await lived_through(
        shop, a_line(provider, agents=AGENTS), PROVIDERS[provider]("answer", ANSWERED[provider])
    )

    events = await shop.since(head)
    (logged,) = [one for one in events if isinstance(one, CallLogged)]
    (answered,) = [one for one in events if isinstance(one, CallAnswered)]
    assert (logged.outcome, logged.agent_id, answered.agent_id) == ("answered", ANA, ANA)
    assert logged.duration_seconds > 0
    assert known.stage is Stage.ENDED
    assert 1 <= len([one for one in events if isinstance(one, CallRang)]) <= 2


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_call_that_nobody_took_waits_for_somebody_to_call_back(shop: Shop, provider: str) -> None:
    head = await shop.log.head()

    known = await lived_through(shop, a_line(provider, agents=AGENTS), PROVIDERS[provider](MISSED[provider]))

    events = await shop.since(head)
    (logged,) = [one for one in events if isinstance(one, CallLogged)]
    assert (logged.outcome, known.answered_at) == ("missed", None)
    (caller,) = {one.stream for one in (await shop.log.read(head, 1_000, [CallLogged.TOPIC]))[0]}
    (waiting,) = (await shop.customer(caller)).conversations.values()
    assert (waiting.status, waiting.queue_id) == (Status.WAITING, shop.queue_id)
