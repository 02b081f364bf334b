"""`onethread channels`: what it shows of accounts and parked deliveries, and that it reads those again."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import uvloop

from api.command_line.samples import told
from api.composition import composed
from api.demo.shop import PICTURE
from api.doors.trust import packed
from api.parts import Parts
from api.settings import Settings
from application.commands import Command
from application.exchange.deliveries import Arrived
from application.exchange.sending import Refusal, Rejected
from application.exchange.stuck import Stuck
from application.exchange.traffic import Traffic
from application.ids import new_id
from application.log import Context, Fact, Write
from channels.edge.payload import Posted
from channels.table import CHANNELS
from domain import account
from domain.account import AccountDefinition
from domain.outbound.delivery import DeliveryRejected
from domain.outbound.reach import Reach
from infrastructure.embedded.servers import Servers
from tests.api.deliveries.situations import delivery, entry, signed
from tests.api.running.test_command_line import Terminal, environment_of
from tests.channels.scripted_provider import Scripted, ScriptedProvider, answers, graph_error, scripted_provider
from tests.databases import an_empty_database
from tests.scenarios.serving import set_up, settings_for

SECRET = "the secret of the app"


async def open_account(parts: Parts, queue_id: str, number: str, **settings: str) -> str:
    definition = AccountDefinition(
        channel="whatsapp",
        name=f"Number {number}",
        queue_id=queue_id,
        address=number,
        settings={"app_secret": SECRET, "verify_token": "hello", "silent_after_minutes": "5"} | settings,
    )
    _, account_id = await parts.set_up.define_account(Command(actor="test", at=parts.clock()), None, definition)
    await parts.followers["directory"].catch_up()
    return account_id


async def fail(parts: Parts, account_id: str) -> None:
    """The provider refused a reply of the account, and it has been counted."""
    refused = DeliveryRejected(conversation_id="conversation-1", message_id="message-1", reason=f"190 {'x' * 200}")
    write = Write(new_id("customer"), 0, [Fact(refused, parts.clock())])
    await parts.log.append([write], context=Context("test"))
    head, at = await parts.log.head(), datetime(2026, 11, 11, 12, tzinfo=UTC)
    one = Traffic(account_id=account_id, failed=1, last_failure_at=at, last_failure_position=head)
    await parts.traffic.add([one], after=0, upto=head)


async def parked(settings: Settings, queue_id: str) -> str:
    """Three deliveries for a number that nobody has set up. The id of the account whose secret fits."""
    async with composed(settings, readers=False) as parts:
        account_id = await open_account(parts, queue_id, "1")
        banned = Command(actor=account_id, at=parts.clock())
        await parts.set_up.notice(banned, account_id, "account_update:DISABLED_UPDATE")
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
        stuck = Stuck(message_id="message-1", account_id=account_id, position=1, since=parts.clock(), because="x")
        await parts.stuck_replies.note(stuck)
        await open_account(parts, queue_id, "3", silent_after_minutes="")
        await fail(parts, account_id)
        until = datetime(2126, 11, 11, 12, tzinfo=UTC)
        throttled = partial(account.throttle, until=until, reason="429")
        await parts.commands.carry_out(
            Command(actor="test", at=parts.clock()), [account_id], lambda known: [throttled(known)]
        )
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
    assert "silent, parked, 1 stuck, throttled until 2126-11-11 12:00:00" in row
    assert "account_update:DISABLED_UPDATE" in health
    assert f"last failed 2026-11-11 12:00:00: 190 {'x' * 116}" in health
    assert "x" * 117 not in health
    (fresh,) = [line for line in health.splitlines() if line.strip().startswith("Number 3")]
    assert "nothing came or went yet" in fresh
    assert row.split()[-1] == "3"
    assert listed.lines[-1] == "3 are parked."
    assert all("AccountUnknown: no account here has the address 2" in line for line in listed.lines[:-1])
    assert retried.lines == ["3 taken up again; 0 are parked."]
    assert "3/3" in retried.err
    assert after.lines == ["0 are parked."]


async def an_account_that_sends(settings: Settings, api_url: str) -> str:
    async with composed(settings, readers=False) as parts:
        return await open_account(parts, f"queue-{'1' * 32}", "1", api_url=api_url, access_token="token")


@contextmanager
def a_provider(*script: Scripted) -> Iterator[ScriptedProvider]:
    """On a loop of its own: a command has this thread to itself."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stack = AsyncExitStack()
    opening = stack.enter_async_context(scripted_provider(*script))
    try:
        yield asyncio.run_coroutine_threadsafe(opening, loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_a_sample_is_sent_and_its_outcome_explained(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(environment_of(settings), monkeypatch, capsys)
    with a_provider(graph_error(131_047, "Re-engagement message")) as provider:
        account_id = uvloop.run(an_account_that_sends(settings, provider.url))

        refused = terminal.run("channels", "send-sample", account_id, "+4915735980000")
        accepted = terminal.run("channels", "send-sample", account_id, "+4915735980000", "--text", "Grüße")
        unknown = terminal.run("channels", "send-sample", "account-none", "+4915735980000")

    assert (refused.status, accepted.status, unknown.status) == (1, 0, 1)
    assert refused.lines[0] == "Refused: 131047 Re-engagement message"
    assert refused.lines[1].startswith("Class window_closed: ")
    assert refused.lines[-1].startswith("What to do: let that customer write")
    assert accepted.lines == ["Accepted: the provider calls it wamid.2."]
    assert provider.taken[1].json["text"]["body"] == "Grüße"
    assert "there is no account account-none" in unknown.err


def test_an_address_that_redirects_is_said_to_do_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(environment_of(settings), monkeypatch, capsys)
    with a_provider(answers(302, location="https://elsewhere.example/")) as provider:
        account_id = uvloop.run(an_account_that_sends(settings, provider.url))

        refused = terminal.run("channels", "send-sample", account_id, "+4915735980000")

    assert refused.lines[0].startswith("Refused: 302")
    assert refused.lines[-1].startswith("What to do: the address redirects")


def test_a_file_is_sent_where_the_channel_takes_such_files(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    terminal = Terminal(environment_of(settings), monkeypatch, capsys)
    picture, program = tmp_path / "label.png", tmp_path / "setup.exe"
    picture.write_bytes(PICTURE)
    program.write_bytes(b"MZ" + bytes(100))
    with a_provider(answers(200, {"id": "media-1"})) as provider:
        account_id = uvloop.run(an_account_that_sends(settings, provider.url))
        to = ("channels", "send-sample", account_id, "+4915735980000", "--file")

        accepted = terminal.run(*to, str(picture))
        refused = terminal.run(*to, str(program))

    upload, message = provider.taken
    assert accepted.lines == ["Accepted: the provider calls it wamid.2."]
    assert PICTURE in upload.body
    assert message.json["type"] == "image"
    assert message.json["image"] == {"id": "media-1"}
    assert refused.status == 1
    assert "whatsapp takes no application/" in refused.err


def test_samples_name_the_settings_and_the_hook_of_every_channel(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = environment_of(settings) | {"COLUMNS": "200", "ONETHREAD_PUBLIC_URL": "https://cc.shop.example/"}
    terminal = Terminal(environment, monkeypatch, capsys)

    listed = terminal.done("channels", "samples").out
    one = terminal.done("channels", "samples", "--channel", "telegram").out

    hooked = [name for name, channel in CHANNELS.items() if channel.webhook is not None]
    assert all(f"https://cc.shop.example/v1/webhooks/{name}" in listed for name in hooked)
    assert "https://cc.shop.example/v1/webhooks/telegram/ACCOUNT_ID" in one
    assert all(f"\n{name} " in listed for name in CHANNELS)
    assert "bot_token" in one
    assert "https://api.telegram.org" in one
    assert "encoding_aes_key" not in one
    assert "a page to try it: https://cc.shop.example/v1/webchat/ACCOUNT_ID/example" in listed
    assert "https://cc.shop.example/v1/accounts/ACCOUNT_ID/messages, or NATS inbound.ACCOUNT_ID" in listed


@pytest.mark.parametrize(("reach", "advice"), [(Reach.BLOCKED, "unblocking"), (Reach.UNSUBSCRIBED, "START")])
def test_a_sample_to_who_takes_nothing_says_that_only_they_can_undo_it(reach: Reach, advice: str) -> None:
    *_, what_to_do = told(Rejected(reason="403", refusal=Refusal.RECIPIENT_GONE, reach=reach))

    assert what_to_do.startswith("What to do: only they can undo it")
    assert advice in what_to_do


def test_the_help_says_what_makes_silence_an_alarm(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(environment_of(settings), monkeypatch, capsys)

    assert "silent_after_minutes" in terminal.done("channels", "health", "--help").out
