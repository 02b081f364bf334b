"""Too much at once: what does not fit is refused before memory grows, and says when to come back."""

import socket
from concurrent.futures import ThreadPoolExecutor

import httpx

from domain.person import Role
from infrastructure.embedded.servers import Servers
from tests.api.deployment import Deployment, a_deployment
from tests.api.situations import a_shop
from tests.databases import an_empty_database
from tests.waiting import wait_until

CALLERS = 32
MESSAGES_PER_CALLER = 10


def test_too_many_appends_at_once_are_put_off_and_nothing_of_them_is_lost(servers: Servers) -> None:
    addresses = servers.addresses
    with (
        an_empty_database(addresses.database_url) as database_url,
        a_deployment(database_url, addresses.nats_url, append_backlog_max=2) as deployment,
    ):
        shop = a_shop(deployment, deployment.person(Role.ADMINISTRATOR))
        path, headers = f"/v1/accounts/{shop.account_id}/messages", shop.adapter.headers

        def bring(caller: int) -> list[httpx.Response]:
            with httpx.Client(base_url=deployment.http.base_url, headers=headers, timeout=30) as http:
                return [
                    http.post(path, json=a_message(shop.account_id, f"{caller}-{number}"))
                    for number in range(MESSAGES_PER_CALLER)
                ]

        with ThreadPoolExecutor(CALLERS) as callers:
            answers = [answer for several in callers.map(bring, range(CALLERS)) for answer in several]
        put_off = [answer for answer in answers if answer.status_code == 503]

        assert {answer.status_code for answer in answers} == {201, 503}
        assert all(answer.headers["retry-after"] == "1" for answer in put_off)
        assert {answer.json()["type"] for answer in put_off} == {"/problems/busy"}
        assert received(deployment) == len(answers) - len(put_off)


def test_a_large_body_is_put_off_while_others_fill_the_room_and_taken_afterwards(servers: Servers) -> None:
    addresses = servers.addresses
    with (
        an_empty_database(addresses.database_url) as database_url,
        a_deployment(database_url, addresses.nats_url, bodies_bytes_max=1_048_576) as deployment,
    ):
        body = b'{"login": "%s"}' % (b"x" * 900_000)
        unfinished = socket.create_connection(("127.0.0.1", deployment.port))
        unfinished.sendall(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + body)

        wait_until(lambda: held_bytes(deployment) == len(body), what="the first has taken its room")
        put_off = deployment.http.post("/v1/sessions", content=body)
        unfinished.close()
        wait_until(lambda: held_bytes(deployment) == 0, what="the first has left")
        taken = deployment.http.post("/v1/sessions", content=body)

        assert (put_off.status_code, put_off.headers["retry-after"]) == (503, "1")
        assert put_off.json()["type"] == "/problems/busy"
        assert taken.status_code == 400  # read, and found wanting: it names no password


def held_bytes(deployment: Deployment) -> float:
    """What large bodies take of memory."""
    held = deployment.parts.metrics.registry.get_sample_value("onethread_bodies_bytes")
    assert held is not None
    return held


def a_message(account_id: str, message_id: str) -> dict[str, str]:
    return {"account": account_id, "message_id": message_id, "handle": message_id, "text": "Hello"}


def received(deployment: Deployment) -> int:
    """How many messages are in the log."""

    async def count() -> int:
        after, found = 0, 0
        while True:
            events, upto = await deployment.parts.log.read(after, 500, ["conversation.message_received"])
            if upto == after:
                return found
            after, found = upto, found + len(events)

    return deployment.run(count())
