"""The WeCom door: asks for the pages of every customer service account, when nudged and now and then.

WeCom's callback says only that there is something new. A page is kept before the cursor moves past it, so whatever
happens in between is asked for again, and its messages' claims make that harmless.
"""

import asyncio
import json
import logging
from asyncio import Event, Task
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

import httpx

from api.doors.trust import packed
from application.directory import Directory
from application.exchange.deliveries import Arrived, Deliveries
from application.ids import new_id
from application.log import LogBusy, LogUnreachable
from channels import wecom
from channels.edge.payload import Posted, a_text
from channels.edge.tencent_api import call, errcode_of, refused
from domain.account import Account, AccountInvalid
from infrastructure.polled import Polled, PostgresPolled
from infrastructure.stopping import stop

LOOK_SECONDS = 1.0
"""How often nudges that came to other processes are looked for."""
POLL_SECONDS = 120.0
"""Without a nudge; asking without its token is rate-limited."""
AGAIN_SECONDS = 10.0
"""After a failure."""
PAGES_MAX = 1_000
"""In one go: a million messages. A cursor that does not move would go on for ever."""
NUDGE_EXPIRED = 95_007

Keep = Callable[[Account, Posted], Awaitable[None]]
"""Keeps a page for reading. Returns when it is durable, and raises where it is not."""

logger = logging.getLogger(__name__)


def keeping(deliveries: Deliveries) -> Keep:
    """Keeps pages with what providers post, to be read, parked and taken up again in the same way."""

    async def keep(account: Account, page: Posted) -> None:
        arrived = Arrived(
            id=new_id("delivery"),
            channel="wecom",
            account_ids=(account.id,),
            received_at=page.received_at,
            content=packed(page),
        )
        await deliveries.store(arrived)

    return keep


class WecomDoor:
    """Polls until it is cancelled; to be run by one process at a time. An account that is stuck holds up no other."""

    def __init__(
        self,
        directory: Directory,
        polled: PostgresPolled,
        client: httpx.AsyncClient,
        keep: Keep,
        clock: Callable[[], datetime],
        *,
        look_seconds: float = LOOK_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        self._directory = directory
        self._polled = polled
        self._client = client
        self._keep = keep
        self._clock = clock
        self._look_seconds = look_seconds
        self._poll_seconds = poll_seconds
        self._again_seconds = again_seconds
        self._nudged = Event()
        self._asking: dict[str, Task[None]] = {}
        self._next_at: dict[str, float] = {}
        self._not_before: dict[str, float] = {}

    def nudge(self) -> None:
        """Looks at once: the nudge that was just written down came to this process."""
        self._nudged.set()

    async def run(self) -> None:
        """Whatever happens to the provider or the database, it looks again."""
        try:
            while True:
                self._nudged.clear()
                try:
                    await self._look()
                except LogUnreachable as error:
                    logger.warning("the WeCom door waits: %s", type(error).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._look_seconds):
                        await self._nudged.wait()
        finally:
            await stop(list(self._asking.values()))

    async def _look(self) -> None:
        accounts = [one for one in self._directory.accounts.values() if _is_polled(one)]
        known = await self._polled.load([account.id for account in accounts]) if accounts else {}
        now = asyncio.get_running_loop().time()
        for account in accounts:
            assert account.definition is not None  # seen to by _is_polled
            key = (account.id, account.definition.address)
            polled = known.get(key, Polled(account_id=key[0], source=key[1]))
            asking = self._asking.get(account.id)
            is_wanted = polled.is_nudged or now >= self._next_at.get(account.id, 0.0)
            is_free = asking is None or asking.done()
            if is_free and is_wanted and now >= self._not_before.get(account.id, 0.0):
                task = asyncio.create_task(self._ask(account, polled), name=f"poll {account.id}")
                task.add_done_callback(lambda _: self._nudged.set())  # a nudge may have come while it asked
                self._asking[account.id] = task

    async def _ask(self, account: Account, polled: Polled) -> None:
        """What fails is asked again a little later: neither the cursor nor the nudge has been passed."""
        reason = "it failed"
        try:
            if not (reason := await self.catch_up(account, polled)):
                await self._polled.served(polled)
        except (LogBusy, LogUnreachable, AccountInvalid) as error:
            reason = type(error).__name__
        except Exception:
            logger.exception("WeCom account %s: a page was not kept", account.id)
        now = asyncio.get_running_loop().time()
        self._next_at[account.id] = now + self._poll_seconds
        if reason:
            logger.warning("WeCom account %s waits: %s", account.id, reason)
            self._next_at[account.id] = self._not_before[account.id] = now + self._again_seconds

    async def catch_up(self, account: Account, polled: Polled) -> str:
        """Every page from the cursor on. Returns why it ended before the last one, or nothing.

        Raises LogBusy, LogUnreachable and whatever `keep` does; the cursor stands after what was kept.
        """
        definition, cursor, token = account.definition, polled.cursor, polled.nudge if polled.is_nudged else ""
        assert definition is not None  # seen to by _is_polled
        access = wecom.read_settings(definition).access
        for _ in range(PAGES_MAX):
            page = await call(self._client, access, wecom.SYNC_PATH, wecom.page_request(definition, cursor, token))
            if not isinstance(page, dict):
                return page.reason
            if errcode_of(page) == NUDGE_EXPIRED and token:
                token = ""  # it was good for ten minutes; without it the same page comes, only more rarely
                continue
            if errcode_of(page):
                return refused(page, wecom.REFUSALS).reason
            if page.get("msg_list"):
                # json, since msgspec does not write the lone surrogates that a page may hold.
                await self._keep(account, Posted(raw=json.dumps(page).encode(), received_at=self._clock()))
            behind, cursor = cursor, a_text(page.get("next_cursor")) or cursor
            if cursor != behind:
                await self._polled.move(account.id, definition.address, cursor)
            if not page.get("has_more"):
                return ""
            if cursor == behind:
                return "there is more, but the cursor does not move"
        return f"more than {PAGES_MAX} pages"


def _is_polled(account: Account) -> bool:
    return account.definition is not None and account.definition.channel == "wecom" and not account.is_paused
