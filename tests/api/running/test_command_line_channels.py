"""`onethread channels`: what it shows of accounts and parked deliveries, and that it reads those again."""

from collections.abc import Iterator

import pytest
import uvloop

from api.composition import composed
from api.doors.trust import packed
from api.parts import Parts
from api.settings import Settings
from application.commands import Command
from application.exchange.deliveries import Arrived
from application.ids import new_id
from channels.edge.payload import Posted
from domain.account import AccountDefinition
from infrastructure.embedded.servers import Servers
from tests.api.deliveries.situations import delivery, entry, signed
from tests.api.running.test_command_line import Terminal, environment_of
from tests.databases import an_empty_database
from tests.scenarios.serving import set_up, settings_for

SECRET = "the secret of the app"


async def open_account(parts: Parts, queue_id: str, number: str) -> str:
    definition = AccountDefinition(
        channel="whatsapp",
        name=f"Number {number}",
        queue_id=queue_id,
        address=number,
        settings={"app_secret": SECRET, "verify_token": "hello", "silent_after_minutes": "5"},
    )
    _, account_id = await parts.set_up.define_account(Command(actor="test", at=parts.clock()), None, definition)
    await parts.followers["directory"].catch_up()
    return account_id


async def parked(settings: Settings, queue_id: str) -> str:
    """Three deliveries for a number that nobody has set up. The id of the account whose secret fits."""
    async with composed(settings, readers=False) as parts:
        account_id = await open_account(parts, queue_id, "1")
        for text in ("a", "b", "c"):
            body = delivery(entry("2", (f"wamid.{text}", text)))
            headers = {name.lower(): value for name, value in signed(body, SECRET).items()}
            posted = Posted(raw=body, received_at=parts.clock(), headers=headers)
            await parts.deliveries.store(
                Arrived(
                    id=new_id("delivery"),
                    channel="whatsapp",
                    account_ids=(account_id,),
                    received_at=posted.received_at,
                    content=packed(posted),
                )
            )
        await parts.delivery_reader.catch_up()
        return account_id


async def mend(settings: Settings, queue_id: str) -> None:
    async with composed(settings, readers=False) as parts:
        await open_account(parts, queue_id, "2")


@pytest.fixture
def settings(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        yield settings_for(database_url, addresses.nats_url, tmp_path_factory.mktemp("channels"))


def test_parked_deliveries_are_listed_and_read_again_when_mended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(environment_of(settings) | {"COLUMNS": "300"}, monkeypatch, capsys)
    set_up(settings)
    queue_id = f"queue-{'1' * 32}"
    account_id = uvloop.run(parked(settings, queue_id))

    health = terminal.done("channels", "health").out
    listed = terminal.done("channels", "parked", "--account", account_id)
    uvloop.run(mend(settings, queue_id))
    retried = terminal.done("channels", "retry", "--channel", "whatsapp")
    after = terminal.done("channels", "parked")

    (row,) = [line for line in health.splitlines() if line.strip().startswith("Number 1")]
    assert "silent" in row
    assert row.split()[-1] == "3"
    assert listed.lines[-1] == "3 are parked."
    assert all("AccountUnknown: no account here has the address 2" in line for line in listed.lines[:-1])
    assert retried.lines == ["3 taken up again; 0 are parked."]
    assert "3/3" in retried.err
    assert after.lines == ["0 are parked."]
