"""Web chat: a visitor says something once, sees the answer, comes back, and never sees anybody else's words."""

import json

import pytest
from websockets.exceptions import ConnectionClosed

from tests.api.deployment import WAIT_SECONDS_MAX, Caller, Deployment
from tests.api.situations import PAGE, VISITOR_KEY, Shop, a_shop
from tests.api.sockets.visitors import address, answered, hear, say, visitor
from tests.waiting import wait_until


@pytest.fixture
def chat(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"visitor_key": VISITOR_KEY, "origins": PAGE}
    return a_shop(deployment, administrator, channel="webchat", settings=settings)


def test_a_visitor_asks_and_sees_the_answer(chat: Shop) -> None:
    agent = chat.agent()

    with visitor(chat) as (socket, welcome):
        say(socket, "message", id="m-1", text="Where is my parcel?")
        stored = hear(socket)
        answered(chat, agent, "On its way")
        reply = hear(socket)

    assert welcome["kind"] == "welcome"
    assert (stored["kind"], stored["id"]) == ("stored", "m-1")
    assert (reply["kind"], reply["text"]) == ("reply", "On its way")
    assert reply["position"] > stored["position"]


def test_a_visitor_whose_talk_overflows_is_told_what_they_are_promised(
    chat: Shop, administrator: Caller, supervisor: Caller
) -> None:
    later = administrator.done("/v1/queues", {"name": "Later", "required_skills": {chat.skill: 9}})["queue_id"]
    promise = {"when": "closed", "to_queue_id": later, "promise": "email", "words": {"otherwise": "We write tomorrow."}}
    closed = {"name": "Closed", "required_skills": {chat.skill: 9}, "overflow": [promise]}
    closed["opening_hours"] = {"time_zone": "UTC", "weekly": {}}
    chat.deployment.known(administrator.done(f"/v1/queues/{chat.queue_id}/define", closed)["position"])

    with visitor(chat) as (socket, _):
        say(socket, "message", id="m-1", text="Where is my parcel?")
        hear(socket)
        told = hear(socket)

    assert (told["kind"], told["text"], told.get("author", "")) == ("reply", "We write tomorrow.", "")
    (card,) = supervisor.shown(f"/v1/queues/{later}/board")["items"]
    entries = supervisor.shown(f"/v1/customers/{card['customer_id']}/timeline")["items"]
    (entry,) = [one for one in entries if one["kind"] == "conversation.promise_told"]
    assert (entry["actor"], entry["position"]) == ("tell_promises", told["position"])


def test_the_language_of_the_page_is_known_while_the_visitor_waits(chat: Shop, supervisor: Caller) -> None:
    with visitor(chat, language="zh-Hant") as (socket, _):
        say(socket, "message", id="m-1", text="你好")
        stored = hear(socket)

    board = supervisor.shown(f"/v1/queues/{chat.queue_id}/board", params={"min_position": stored["position"]})
    assert [card["language"] for card in board["items"]] == ["zh-Hant"]


def languages(chat: Shop, supervisor: Caller) -> list[str]:
    """Of those who wait."""
    head = chat.deployment.run(chat.deployment.parts.log.head())
    board = supervisor.shown(f"/v1/queues/{chat.queue_id}/board", params={"min_position": head})
    return [card.get("language", "") for card in board["items"]]


def test_the_language_that_a_visitor_tells_later_counts_while_they_wait(chat: Shop, supervisor: Caller) -> None:
    with visitor(chat, language="de") as (socket, _):
        say(socket, "message", id="m-1", text="Guten Tag")
        hear(socket)
        before = languages(chat, supervisor)
        say(socket, "identify", name="Ana", language="zh-Hant")

        wait_until(lambda: languages(chat, supervisor) == ["zh-Hant"], what="the language is known")

    assert before == ["de"]


def test_the_language_told_before_the_first_words_comes_with_them(chat: Shop, supervisor: Caller) -> None:
    with visitor(chat, language="de") as (socket, _):
        say(socket, "identify", name="Ana", language="fr")
        say(socket, "message", id="m-1", text="Bonjour")
        hear(socket)

    assert languages(chat, supervisor) == ["fr"]


def test_a_language_beside_a_wrong_proof_does_not_count(chat: Shop, supervisor: Caller) -> None:
    with visitor(chat, language="de") as (socket, _):
        say(socket, "message", id="m-1", text="Guten Tag")
        hear(socket)
        say(socket, "identify", user="42", proof="0" * 64, language="fr")
        refused = hear(socket)
        say(socket, "identify", name="Ana")
        say(socket, "message", id="m-2", text="Hallo?")
        hear(socket)

    assert refused["kind"] == "refused"
    assert languages(chat, supervisor) == ["de"]


def test_a_message_sent_again_after_a_dropped_socket_is_stored_once(chat: Shop) -> None:
    with visitor(chat) as (socket, welcome):
        say(socket, "message", id="m-1", text="Hello")
        first = hear(socket)
    with visitor(chat, welcome["token"], after=first["position"]) as (socket, again):
        say(socket, "message", id="m-1", text="Hello")
        second = hear(socket)

    assert again["visitor_id"] == welcome["visitor_id"]
    assert second == first


def test_who_comes_back_gets_what_was_missed_and_nothing_twice(chat: Shop) -> None:
    agent = chat.agent()
    with visitor(chat) as (socket, welcome):
        say(socket, "message", id="m-1", text="Hello")
        stored = hear(socket)
    answered(chat, agent, "Good morning")

    with visitor(chat, welcome["token"], after=stored["position"]) as (socket, _):
        missed = hear(socket)
    with visitor(chat, welcome["token"]) as (socket, _):
        everything = [hear(socket), hear(socket)]

    assert (missed["kind"], missed["text"]) == ("reply", "Good morning")
    assert [(one["kind"], one["text"]) for one in everything] == [("message", "Hello"), ("reply", "Good morning")]
    assert everything[0]["id"] == "m-1"


def test_another_tab_sees_what_was_said_here(chat: Shop) -> None:
    with visitor(chat) as (socket, welcome):
        say(socket, "message", id="m-1", text="Hello")
        stored = hear(socket)
        with visitor(chat, welcome["token"], after=stored["position"]) as (other, _):
            say(socket, "message", id="m-2", text="Anybody?")
            echo = hear(other)

    assert (echo["kind"], echo["id"], echo["text"]) == ("message", "m-2", "Anybody?")


def test_a_visitor_sees_neither_notes_nor_other_visitors(chat: Shop) -> None:
    agent = chat.agent()
    with visitor(chat) as (socket, _), visitor(chat) as (other, _):
        say(socket, "message", id="m-1", text="Hello")
        hear(socket)
        held = answered(chat, agent, "Good morning")
        hear(socket)
        agent.done(f"{held.path}/note", {"text": "a difficult one"})
        agent.done(f"{held.path}/reply", {"text": "Still there?"})
        next_frame = hear(socket)
        say(other, "message", id="m-1", text="Hi")
        stranger_frame = hear(other)

    assert (next_frame["kind"], next_frame["text"]) == ("reply", "Still there?")
    assert (stranger_frame["kind"], stranger_frame["id"]) == ("stored", "m-1")


def test_typing_reaches_the_other_side_and_is_never_stored(deployment: Deployment, chat: Shop) -> None:
    agent = chat.agent()
    with visitor(chat) as (socket, _):
        say(socket, "message", id="m-1", text="Hello")
        hear(socket)
        held = answered(chat, agent, "Good morning")
        hear(socket)
        head, watch = deployment.run(deployment.parts.log.head()), f"timeline:{held.customer_id}"
        with deployment.socket(agent) as desk:
            desk.send(json.dumps({"type": "watch", "watch": watch}))
            while json.loads(desk.recv(WAIT_SECONDS_MAX))["type"] != "snapshot":
                pass
            met = json.loads(desk.recv(WAIT_SECONDS_MAX)), hear(socket)
            for _ in range(3):  # said again within a second, it goes no further
                say(socket, "typing", is_typing=True)
                desk.send(json.dumps({"type": "typing", "watch": watch, "is_typing": True}))
            say(socket, "typing", is_typing=False)
            seen_by_agent = [json.loads(desk.recv(WAIT_SECONDS_MAX)) for _ in range(2)]
            seen_by_visitor = hear(socket)
        left = hear(socket)

    assert met == (
        {"type": "presence", "watch": watch, "is_present": True},
        {"kind": "presence", "is_present": True},
    )
    assert seen_by_agent == [{"type": "typing", "watch": watch, "is_typing": one} for one in (True, False)]
    assert seen_by_visitor == {"kind": "typing"}
    assert left == {"kind": "presence", "is_present": False}
    assert deployment.run(deployment.parts.log.head()) <= head + 1  # the ticket is claimed, nothing is told


@pytest.mark.parametrize("token", ["x", "a.b.c", "0193a7c2.9999999999.forged"])
def test_a_forged_token_ends_the_socket(chat: Shop, token: str) -> None:
    with chat.deployment.open(address(chat), origin=PAGE) as socket:
        say(socket, "hello", token=token)
        with pytest.raises(ConnectionClosed):
            socket.recv(WAIT_SECONDS_MAX)

    assert socket.close_code == 4401


def test_a_token_of_another_widget_is_not_known_here(deployment: Deployment, administrator: Caller, chat: Shop) -> None:
    settings = {"visitor_key": VISITOR_KEY, "origins": PAGE}
    other = a_shop(deployment, administrator, channel="webchat", settings=settings)
    token = deployment.anybody().ask("POST", f"/v1/webchat/{other.account_id}/visitors").json()["token"]

    with chat.deployment.open(address(chat), origin=PAGE) as socket:
        say(socket, "hello", token=token)
        with pytest.raises(ConnectionClosed):
            socket.recv(WAIT_SECONDS_MAX)

    assert socket.close_code == 4401


@pytest.mark.parametrize(
    ("first", "code"), [('{"kind": "message", "id": "x", "text": "y"}', 4400), ("{", 4400), ("x" * 40_000, 1009)]
)
def test_who_does_not_say_hello_first_is_not_welcome(chat: Shop, first: str, code: int) -> None:
    with chat.deployment.open(address(chat), origin=PAGE) as socket:
        socket.send(first)
        with pytest.raises(ConnectionClosed):
            socket.recv(WAIT_SECONDS_MAX)

    assert socket.close_code == code


@pytest.mark.parametrize(
    ("text", "problem"), [(" ", "needs a text"), ("x" * 8_001, "8000"), ("\ud800", ""), ("a\0b", "")]
)
def test_words_that_cannot_be_taken_are_refused_by_their_id(chat: Shop, text: str, problem: str) -> None:
    with visitor(chat) as (socket, _):
        say(socket, "message", id="m-1", text=text)
        refused = hear(socket)

    if text == "a\0b":
        assert refused["kind"] == "stored"  # without the NUL: a visitor cannot do anything about it
    else:
        assert refused["kind"] == "refused"
        assert problem in refused["problem"]


def test_too_much_at_once_is_put_off(chat: Shop) -> None:
    with visitor(chat) as (socket, _):
        for number in range(25):
            say(socket, "message", id=f"m-{number}", text="spam")
        answers = [hear(socket) for _ in range(25)]

    put_off = [one for one in answers if one["kind"] == "refused"]
    assert put_off
    assert all(one["retry_after_seconds"] > 0 and one["id"] for one in put_off)


def test_several_sockets_give_a_visitor_no_more(chat: Shop) -> None:
    with visitor(chat) as (socket, welcome), visitor(chat, welcome["token"]) as (other, _):
        for _ in range(25):
            say(other, "identify")
        hear(other)
        say(socket, "message", id="m-1", text="spam")
        put_off = hear(socket)

    assert (put_off["kind"], put_off["id"]) == ("refused", "m-1")
    assert put_off["retry_after_seconds"] > 0


@pytest.mark.parametrize("frame", ["x" * 40_000, b"{}"])
def test_a_frame_beyond_the_limits_is_answered_before_the_socket_ends(chat: Shop, frame: str | bytes) -> None:
    with visitor(chat) as (socket, _):
        socket.send(frame)
        refused = hear(socket)
        with pytest.raises(ConnectionClosed):
            socket.recv(WAIT_SECONDS_MAX)

    assert refused["kind"] == "refused"
    assert ("32768 bytes" if isinstance(frame, str) else "JSON texts") in refused["problem"]
    assert socket.close_code == (1009 if isinstance(frame, str) else 4400)


def test_strange_pages_and_strange_accounts_get_nothing(deployment: Deployment, chat: Shop) -> None:
    anybody, path = deployment.anybody(), f"/v1/webchat/{chat.account_id}/visitors"

    own = anybody.ask("POST", path, headers={"Origin": PAGE})
    strange = anybody.ask("POST", path, headers={"Origin": "https://evil.example"})
    unknown = anybody.ask("POST", f"/v1/webchat/account-{'0' * 32}/visitors")
    codes = []
    for url, origin in ((address(chat), "https://evil.example"), (address(chat).replace("account-", "accouns-"), PAGE)):
        with deployment.open(url, origin=origin) as socket:
            with pytest.raises(ConnectionClosed):
                socket.recv(WAIT_SECONDS_MAX)
            codes.append(socket.close_code)

    assert (own.status_code, own.headers["access-control-allow-origin"]) == (201, PAGE)
    assert (strange.status_code, unknown.status_code) == (403, 404)
    assert codes == [4403, 4404]
