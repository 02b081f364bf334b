"""A server is told to stop in the middle of the rush: whoever got a 2xx is in the log, and it goes quietly."""

import threading
from pathlib import Path

import httpx
import uvloop

from api.composition import composed
from api.settings import Settings
from domain.interaction import MessageReceived
from infrastructure.embedded.servers import Servers
from tests.databases import an_empty_database
from tests.scenarios.serving import SetUp, bring, serving, set_up, settings_for
from tests.waiting import wait_until

CALLERS = 6
ANSWERS_BEFORE_THE_STOP = 100


class Rush:
    """Callers who go on until the server does not answer any more."""

    def __init__(self, shop: SetUp, url: str) -> None:
        self.answers: dict[str, int] = {}
        """The position by the message's id, of those that were answered with 2xx."""
        self.refused: list[int] = []
        self._shop = shop
        self._url = url
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(CALLERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)

    def _call(self, caller: int) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as http:
            for number in range(100_000):
                message_id = f"m-{caller}-{number}"
                try:
                    answer = bring(http, self._shop, message_id, handle=f"handle-{caller}")
                except httpx.TransportError:
                    return
                if answer.is_success:
                    self.answers[message_id] = answer.json()["position"]
                else:
                    self.refused.append(answer.status_code)


def stored(settings: Settings) -> dict[str, int]:
    """The position of every message in the log, by the provider's id."""

    async def read() -> dict[str, int]:
        async with composed(settings, readers=False) as parts:
            found: dict[str, int] = {}
            position, head = 0, await parts.log.head()
            while position < head:
                events, position = await parts.log.read(position, 2_000, {MessageReceived.TOPIC})
                for one in events:
                    assert isinstance(one.event, MessageReceived)
                    assert one.event.provider_id not in found, "stored once"
                    found[one.event.provider_id] = one.position
            return found

    return uvloop.run(read())


def test_what_was_acknowledged_before_a_stop_is_stored(servers: Servers, tmp_path: Path) -> None:
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        settings = settings_for(database_url, addresses.nats_url, tmp_path)
        shop = set_up(settings)
        with serving(settings) as server:
            rush = Rush(shop, server.url)
            rush.start()
            wait_until(lambda: len(rush.answers) >= ANSWERS_BEFORE_THE_STOP, what="a rush")
            status = server.stop()
            rush.join()
            log = server.log.read_text()
        found = stored(settings)

    assert status == 0
    assert set(rush.refused) <= {503}
    assert {message_id: found.get(message_id) for message_id in rush.answers} == rush.answers
    assert "Traceback" not in log
    assert '"level":"error"' not in log
