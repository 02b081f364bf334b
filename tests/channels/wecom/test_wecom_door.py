"""The WeCom door: pages are kept before the cursor moves, whoever was nudged, whatever fails."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
from msgspec.structs import replace

from api.doors.wecom_door import WecomDoor
from application.directory import Directory
from application.log import LogBusy
from channels import wecom
from channels.edge.payload import Posted
from domain.account import Account
from infrastructure.polled import Polled, PostgresPolled
from infrastructure.stopping import stop
from tests.channels.posted import NOON
from tests.channels.scripted_provider import Scripted, ScriptedProvider, Taken, answers, scripted_provider, server_error
from tests.channels.wechat.sealed import a_wecom_account
from tests.log.situations import a_log
from tests.waiting import wait_until

pytestmark = pytest.mark.anyio

SOURCE = "wkxx"


@pytest.fixture
async def polled(database_url: str) -> AsyncIterator[PostgresPolled]:
    """Cursors and nudges of a log of this module; each test has an account of its own."""
    async with a_log(database_url) as log:
        yield PostgresPolled(log.pool)


def a_page(*ids: str, cursor: str = "", has_more: int = 0) -> Scripted:
    items = [
        {"msgid": one, "open_kfid": SOURCE, "external_userid": "wm", "origin": 3, "msgtype": "text", "text": {}}
        for one in ids
    ]
    page = {"errcode": 0, "errmsg": "ok", "next_cursor": cursor, "has_more": has_more, "msg_list": items}
    return answers(200, page)


def cursor_in(database_url: str, account_id: str) -> str:
    """Asked without the loop, by who waits for it beside the loop."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT cursor FROM onethread_polled WHERE account_id = %s", (account_id,)).fetchone()
    return row[0] if row else ""


def an_error(code: int) -> Scripted:
    return answers(200, {"errcode": code, "errmsg": "no"})


class Polling:
    """A WeCom account at a scripted provider, the door that polls it, and what was kept of it."""

    def __init__(self, account_id: str, polled: PostgresPolled, provider: ScriptedProvider, door: WecomDoor) -> None:
        self.polled, self.provider, self.door = polled, provider, door
        self.account = Account(id=account_id, definition=a_wecom_account(api_url=provider.url))
        self.kept: list[Posted] = []

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What was asked for pages, without what stays the same."""
        bodies = [taken.json for taken in self.provider.taken if "sync_msg" in taken.path]
        return [{name: body[name] for name in ("cursor", "token") if name in body} for body in bodies]

    @property
    def ids(self) -> list[str]:
        assert self.account.definition is not None
        pages = [wecom.parse(self.account.definition, page) for page in self.kept]
        return [message.provider_id for page in pages for _, message in page.messages]

    async def state(self) -> Polled:
        found = await self.polled.load([self.account.id])
        return found.get((self.account.id, SOURCE), Polled(account_id=self.account.id, source=SOURCE))

    async def catch_up(self) -> str:
        return await self.door.catch_up(self.account, await self.state())


@asynccontextmanager
async def an_account(
    polled: PostgresPolled,
    account_id: str,
    *script: Scripted,
    fails: list[Exception | None] | None = None,
    look_seconds: float = 0.01,
) -> AsyncIterator[Polling]:
    """The script answers what is asked for pages; tokens are lent whenever asked for."""
    waiting = list(script)

    def accepts(taken: Taken, _: int) -> Scripted:
        if "gettoken" in taken.path:
            return answers(200, {"access_token": "token", "expires_in": 7200})
        return waiting.pop(0) if waiting else a_page()

    async def keep(account: Account, page: Posted) -> None:
        assert account.id == account_id
        failure = fails.pop(0) if fails else None
        if failure is not None:
            raise failure
        found.kept.append(page)

    directory = Directory(log=None)  # type: ignore[arg-type]  # its accounts are put in by hand, nothing is followed
    async with scripted_provider(accepts=accepts) as provider, httpx.AsyncClient(timeout=30.0) as client:
        door = WecomDoor(
            directory,
            polled,
            client,
            keep,
            lambda: NOON,
            look_seconds=look_seconds,
            poll_seconds=3_600,
            again_seconds=0.01,
        )
        found = Polling(account_id, polled, provider, door)
        directory.accounts[account_id] = found.account
        yield found


@asynccontextmanager
async def running(door: WecomDoor) -> AsyncIterator[Callable[[Callable[[], bool], str], Any]]:
    """The door at work; what it yields waits for something to hold."""

    async def until(condition: Callable[[], bool], what: str) -> None:
        await asyncio.to_thread(wait_until, condition, what=what)

    task = asyncio.create_task(door.run())
    try:
        yield until
    finally:
        await stop([task])


async def test_every_page_is_kept_also_behind_an_empty_one_and_the_cursor_moves_after_each(
    polled: PostgresPolled,
) -> None:
    pages = (a_page("1", cursor="c1", has_more=1), a_page(cursor="c2", has_more=1), a_page("2", "3", cursor="c3"))
    async with an_account(polled, "account-pages", *pages) as account:
        reason = await account.catch_up()

        assert (reason, account.ids) == ("", ["1", "2", "3"])
        assert account.asked == [{}, {"cursor": "c1"}, {"cursor": "c2"}]
        assert (await account.state()).cursor == "c3"
        assert await account.catch_up() == ""
        assert account.asked[3:] == [{"cursor": "c3"}]


async def test_a_page_with_what_no_database_stores_holds_up_nothing(polled: PostgresPolled) -> None:
    page = a_page("1\ud800\0", cursor="c\0\ud8001")
    raw = json.dumps(page.json)
    async with an_account(polled, "account-odd", replace(page, json=msgspec.Raw(raw.encode()))) as account:
        assert await account.catch_up() == ""

        assert (account.ids, (await account.state()).cursor) == (["1"], "c1")


async def test_a_page_that_was_not_kept_is_asked_for_again(polled: PostgresPolled) -> None:
    pages = (a_page("1", cursor="c1", has_more=1), a_page("2", cursor="c2"), a_page("2", cursor="c2"))
    async with an_account(polled, "account-again", *pages, fails=[None, LogBusy("full")]) as account:
        with pytest.raises(LogBusy):
            await account.catch_up()
        assert ((await account.state()).cursor, account.ids) == ("c1", ["1"])

        assert await account.catch_up() == ""

        assert account.asked == [{}, {"cursor": "c1"}, {"cursor": "c1"}]
        assert ((await account.state()).cursor, account.ids) == ("c2", ["1", "2"])


async def test_a_nudge_is_served_with_its_token_and_only_once(polled: PostgresPolled, database_url: str) -> None:
    pages = (a_page(cursor="c0"), a_page("1", cursor="c1"))
    async with an_account(polled, "account-nudge", *pages, look_seconds=3_600) as account:
        async with running(account.door) as until:
            await until(lambda: len(account.asked) == 1, "the first poll")
            polled.on_nudged.append(account.door.nudge)
            await polled.nudge(account.account.id, SOURCE, "ENCApHx")
            await until(lambda: cursor_in(database_url, "account-nudge") == "c1", "the cursor behind it")

        assert account.asked == [{}, {"cursor": "c0", "token": "ENCApHx"}]
        assert account.ids == ["1"]


async def test_a_nudge_that_came_while_no_door_was_open_still_waits(polled: PostgresPolled) -> None:
    await polled.nudge("account-later", SOURCE, "one")
    await polled.nudge("account-later", SOURCE, "two")
    async with an_account(polled, "account-later", a_page("1", cursor="c1")) as account:
        assert (await account.state()).is_nudged

        async with running(account.door) as until:
            await until(lambda: account.ids == ["1"], "the page")

        assert account.asked == [{"token": "two"}]
        served = await account.state()
        await polled.nudge("account-later", SOURCE, "three")
        await polled.served(served)
        assert (await account.state()).is_nudged


async def test_a_nudge_that_is_too_old_is_asked_without(polled: PostgresPolled) -> None:
    await polled.nudge("account-old", SOURCE, "old")
    async with an_account(polled, "account-old", an_error(95_007), a_page("1", cursor="c1")) as account:
        assert await account.catch_up() == ""

        assert (account.asked, account.ids) == ([{"token": "old"}, {}], ["1"])


@pytest.mark.parametrize("failure", [an_error(45_009), server_error(), an_error(95_000)])
async def test_what_fails_is_asked_again_from_the_same_cursor(polled: PostgresPolled, failure: Scripted) -> None:
    account_id = f"account-{failure.status}-{(failure.json or {}).get('errcode', '')}"
    await polled.move(account_id, SOURCE, "c0")
    async with an_account(polled, account_id, failure, a_page("1", cursor="c1")) as account:
        async with running(account.door) as until:
            await until(lambda: account.ids == ["1"], "the page after the failure")

        assert account.asked == [{"cursor": "c0"}, {"cursor": "c0"}]


async def test_a_cursor_that_does_not_move_ends_the_round(polled: PostgresPolled) -> None:
    async with an_account(polled, "account-stuck", a_page("1", cursor="", has_more=1)) as account:
        assert await account.catch_up() == "there is more, but the cursor does not move"

        assert (len(account.asked), account.ids) == (1, ["1"])


async def test_a_paused_account_is_not_polled(polled: PostgresPolled) -> None:
    async with an_account(polled, "account-paused") as paused, an_account(polled, "account-other") as other:
        accounts = paused.door._directory.accounts
        accounts["account-paused"] = replace(paused.account, is_paused=True)
        other.door._directory.accounts.update(accounts)

        async with running(other.door) as until:
            await until(lambda: len(other.asked) == 1, "the other one's poll")

        assert paused.asked == []
