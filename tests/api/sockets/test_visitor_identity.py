"""Web chat: whoever the shop's site vouches for is one customer on every device; who only says so is a stranger."""

import hashlib
import hmac
import secrets
import time
from typing import Any

import jwt
import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import PAGE, VISITOR_KEY, Shop, a_shop
from tests.api.sockets.visitors import answered, hear, say, visitor
from tests.waiting import wait_until

IDENTITY_KEY = "the identity key of this shop: 32+"
JWT_KEY = "the key of the shop's web tokens, 32"


@pytest.fixture
def chat(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {
        "visitor_key": VISITOR_KEY,
        "origins": PAGE,
        "identity_key": IDENTITY_KEY,
        "jwt_algorithm": "HS256",
        "jwt_key": JWT_KEY,
    }
    return a_shop(deployment, administrator, channel="webchat", settings=settings)


def proven(user: str) -> dict[str, Any]:
    """What the shop's server writes into the page of a customer who is signed in."""
    return {"user": user, "proof": hmac.new(IDENTITY_KEY.encode(), user.encode(), hashlib.sha256).hexdigest()}


def timeline(supervisor: Caller, customer_id: str, *kinds: str) -> list[dict[str, Any]]:
    """The events of these kinds, once each has come."""
    found: list[dict[str, Any]] = []

    def are_there() -> bool:
        page = supervisor.shown(f"/v1/customers/{customer_id}/timeline")
        found[:] = [one for one in page["items"] if one["kind"] in kinds]
        return {one["kind"] for one in found} == set(kinds)

    wait_until(are_there, what=f"{kinds} in the timeline")
    return sorted(found, key=lambda one: int(one["position"]))


def customers_of(chat: Shop, supervisor: Caller) -> set[str]:
    """Whoever has a conversation in this web chat."""
    cards = supervisor.shown("/v1/conversations", params={"queue_id": chat.queue_id})["items"]
    return {card["customer_id"] for card in cards if card["conversation"]["account_id"] == chat.account_id}


def said(socket: Any, text: str) -> dict[str, Any]:
    say(socket, "message", id=secrets.token_hex(4), text=text)
    stored = hear(socket)
    assert stored["kind"] == "stored", stored
    return stored


def test_a_proven_customer_is_the_same_on_every_device(chat: Shop, supervisor: Caller) -> None:
    agent = chat.agent()
    with visitor(chat, **proven("42")) as (phone, _):
        assert hear(phone)["kind"] == "identified"
        said(phone, "From my phone")
        answered(chat, agent, "Good morning")
        assert hear(phone)["kind"] == "reply"

    with visitor(chat, **proven("42")) as (laptop, _):
        seen = [hear(laptop) for _ in range(3)]
        said(laptop, "From my laptop")

    assert [one["kind"] for one in seen] == ["identified", "message", "reply"]
    assert seen[1]["text"] == "From my phone"
    wait_until(lambda: len(customers_of(chat, supervisor)) == 1, what="one customer")


def test_a_web_token_proves_as_much_and_names_the_customer(chat: Shop, supervisor: Caller) -> None:
    claims = {"sub": "43", "aud": chat.account_id, "exp": int(time.time()) + 60, "name": "Ana", "email": "a@x.example"}
    with visitor(chat, jwt=jwt.encode(claims, JWT_KEY, "HS256")) as (socket, _):
        identified = hear(socket)
        said(socket, "Hello")

    wait_until(lambda: bool(customers_of(chat, supervisor)), what="a conversation")
    (customer_id,) = customers_of(chat, supervisor)
    (event,) = timeline(supervisor, customer_id, "customer.identity_proven")
    assert identified["user"] == "43"
    assert (event["event"]["handle"], event["event"]["method"]) == ("user:43", "jwt")
    assert event["event"]["email"] == "a@x.example"


def test_a_claim_without_a_proof_joins_nobody_and_is_shown(chat: Shop, supervisor: Caller) -> None:
    with visitor(chat, **proven("44")) as (socket, _):
        hear(socket)
        said(socket, "It is really me")
    wait_until(lambda: len(customers_of(chat, supervisor)) == 1, what="the customer")
    genuine = customers_of(chat, supervisor)

    with visitor(chat, user="44", email="ana@x.example", language="zh-Hant") as (stranger, _):
        stored = said(stranger, "It is me, too")

    wait_until(lambda: len(customers_of(chat, supervisor)) == 2, what="another customer")
    (other,) = customers_of(chat, supervisor) - genuine
    (claim,) = timeline(supervisor, other, "customer.identity_claimed")
    assert stored["position"]
    assert (claim["event"]["user"], claim["event"]["email"]) == ("44", "ana@x.example")
    assert claim["event"]["language"] == "zh-Hant"


@pytest.mark.parametrize("wrong", [{"user": "45", "proof": "0" * 64}, {"jwt": "e30.e30.e30"}])
def test_a_wrong_proof_is_refused_and_the_visitor_stays_a_stranger(chat: Shop, wrong: dict[str, Any]) -> None:
    with visitor(chat, **wrong) as (socket, welcome):
        refused = hear(socket)
        said(socket, "Hello")

    assert welcome["kind"] == "welcome"
    assert refused["kind"] == "refused"


def test_proving_later_takes_along_what_was_said_before(chat: Shop, supervisor: Caller) -> None:
    with visitor(chat) as (socket, _):
        said(socket, "Hello")
        say(socket, "identify", **proven("46"))
        identified = hear(socket)
        said(socket, "It is me")

    wait_until(lambda: len(customers_of(chat, supervisor)) == 1, what="one customer")
    (customer_id,) = customers_of(chat, supervisor)
    kinds = ("customer.identity_proven", "conversation.message_received")
    events = timeline(supervisor, customer_id, *kinds)
    assert (identified["kind"], identified["user"]) == ("identified", "46")
    wait_until(lambda: len(timeline(supervisor, customer_id, *kinds)) == 3, what="both messages")
    assert events[1]["event"].get("earlier_customer_id", "") == ""


def test_two_customers_with_a_history_are_not_merged(chat: Shop, supervisor: Caller) -> None:
    agent = chat.agent()
    with visitor(chat, **proven("47")) as (phone, _):
        hear(phone)
        said(phone, "Known for long")
    wait_until(lambda: len(customers_of(chat, supervisor)) == 1, what="the customer")
    (known,) = customers_of(chat, supervisor)

    with visitor(chat) as (laptop, _):
        said(laptop, "Not signed in yet")
        wait_until(lambda: len(customers_of(chat, supervisor)) == 2, what="the visitor")
        (earlier,) = customers_of(chat, supervisor) - {known}
        say(laptop, "identify", **proven("47"))
        told = [hear(laptop) for _ in range(2)]
        said(laptop, "Now I am")
        held = answered_on(chat, agent, earlier, "An answer to the visitor")
        reply = hear(laptop)

    kinds = ("conversation.message_received", "customer.identity_proven")
    wait_until(lambda: len(timeline(supervisor, known, *kinds)) == 4, what="it goes on under the proven one")
    _, proof = (one for one in timeline(supervisor, known, *kinds) if one["kind"] == kinds[1])
    (continued,) = timeline(supervisor, earlier, "customer.continued")
    assert told[0]["kind"] == "identified"
    assert told[1]["text"] == "Known for long"
    assert proof["event"]["earlier_customer_id"] == earlier == held
    assert continued["event"]["customer_id"] == known
    assert reply["text"] == "An answer to the visitor"  # nothing that is said to either is lost


def answered_on(chat: Shop, agent: Caller, customer_id: str, text: str) -> str:
    """The agent accepts and answers that customer's conversation."""
    cards: list[dict[str, Any]] = []

    def is_offered() -> bool:
        found = agent.shown("/v1/conversations", params={"customer_id": customer_id})["items"]
        cards[:] = [one for one in found if one["conversation"].get("offer_id")]
        return bool(cards)

    wait_until(is_offered, what="the conversation is offered")
    path = f"/v1/customers/{customer_id}/conversations/{cards[0]['id']}"
    agent.done(f"{path}/offers/{cards[0]['conversation']['offer_id']}/accept")
    assert agent.post(f"{path}/reply", {"text": text}).status_code == 202
    return customer_id


def test_a_shared_browser_keeps_two_customers_apart(chat: Shop, supervisor: Caller) -> None:
    with visitor(chat, **proven("48")) as (socket, first):
        hear(socket)
        said(socket, "A secret of 48")

    with visitor(chat, first["token"], **proven("49")) as (socket, welcome):
        identified = hear(socket)
        said(socket, "Hello")

    assert welcome["visitor_id"] != first["visitor_id"]
    assert identified["token"] == welcome["token"]
    wait_until(lambda: len(customers_of(chat, supervisor)) == 2, what="two customers")


def test_who_signed_out_does_not_see_what_was_said_with_a_proof(chat: Shop) -> None:
    with visitor(chat) as (socket, first):
        said(socket, "As a stranger")
        say(socket, "identify", **proven("50"))
        hear(socket)
        said(socket, "A secret of 50")

    with visitor(chat, first["token"]) as (socket, _):
        seen = hear(socket)
        say(socket, "message", id="last", text="Still here")
        then = hear(socket)

    assert seen["text"] == "As a stranger"
    assert (then["kind"], then["id"]) == ("stored", "last")


def test_a_proven_customer_may_leave_an_address_that_no_hmac_covers(chat: Shop, supervisor: Caller) -> None:
    with visitor(chat, **proven("77"), email="ana@example.org", language="de") as (socket, _):
        assert hear(socket)["kind"] == "identified"
        said(socket, "Hello")

    (customer_id,) = customers_of(chat, supervisor)
    (claimed,) = timeline(supervisor, customer_id, "customer.identity_claimed")
    assert (claimed["event"]["handle"], claimed["event"]["email"]) == ("user:77", "ana@example.org")
    assert claimed["event"]["language"] == "de"
