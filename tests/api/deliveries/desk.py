"""A reader of deliveries under a clock of the test's own, and what provider and customers do before it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from typing_extensions import override

from api.doors.delivery_reader import DeliveryReader
from api.doors.delivery_taking import DeliveryTaking
from api.doors.trust import packed
from api.parts import Parts
from application.commands import Command
from application.exchange.deliveries import Arrived, DeliveryState, Kept, Wanted
from application.ids import new_id
from application.use_cases.receive_reports import ReceiveReports
from channels.edge.payload import Posted
from domain.account import AccountDefinition
from domain.intake import DeliveryReport
from domain.queue import QueueDefinition
from infrastructure.media.guarded_get import GuardedGet
from tests.api.deliveries.situations import delivery, entry, messages_in, signed

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
RETENTION = timedelta(days=30)
SECRET = "the secret of the app"


class Desk:
    """Accounts of one app, whose deliveries are read when the test says so."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.now = NOON
        self._get = GuardedGet(bytes_max=100_000)
        self.new_reader()

    def new_reader(self) -> None:
        """As after a restart."""
        parts = self.parts
        self.taking = DeliveryTaking(
            parts.directory,
            parts.receive,
            parts.calls,
            parts.echoes,
            parts.reports,
            parts.take_mail,
            parts.set_up,
            self._get,
            parts.metrics,
        )
        self.reader = DeliveryReader(parts.deliveries, self.taking, lambda: self.now, parts.metrics, RETENTION)

    def halt_reports(self) -> tuple[asyncio.Event, asyncio.Event]:
        """Reports are not taken in until the second event; the first says that one has come."""
        is_reached, goes_on = asyncio.Event(), asyncio.Event()

        class Halting(ReceiveReports):
            @override
            async def receive(
                self, account_id: str, reports: Sequence[DeliveryReport], command: Command
            ) -> list[DeliveryReport]:
                is_reached.set()
                await goes_on.wait()
                return []

        self.taking._reports = Halting(self.parts.commands, self.parts.directory)
        return is_reached, goes_on

    def command(self) -> Command:
        return Command(actor="test", at=self.now)

    async def open_account(self, number: str, secret: str = SECRET) -> str:
        """Its id."""
        _, queue_id = await self.parts.set_up.define_queue(self.command(), None, QueueDefinition(name="All"))
        settings = {"app_secret": secret, "verify_token": "hello"}
        wanted = AccountDefinition(
            channel="whatsapp", name=number, queue_id=queue_id, address=number, settings=settings
        )
        _, account_id = await self.parts.set_up.define_account(self.command(), None, wanted)
        await self.parts.followers["directory"].catch_up()
        return account_id

    async def pause(self, account_id: str) -> None:
        await self.parts.set_up.pause_account(self.command(), account_id, "moving")
        await self.parts.followers["directory"].catch_up()

    async def resume(self, account_id: str) -> None:
        await self.parts.set_up.resume_account(self.command(), account_id)
        await self.parts.followers["directory"].catch_up()

    async def comes_in(self, body: bytes, *account_ids: str) -> str:
        """The id of a stored delivery that counts for these accounts."""
        posted = Posted(raw=body, received_at=self.now, headers={k.lower(): v for k, v in signed(body, SECRET).items()})
        one = Arrived(
            id=new_id("delivery"),
            channel="whatsapp",
            account_ids=account_ids,
            received_at=self.now,
            content=packed(posted),
        )
        await self.parts.deliveries.store(one)
        return one.id

    async def writes(self, number: str, text: str, *account_ids: str) -> str:
        """A message whose id is its text."""
        return await self.comes_in(delivery(entry(number, (f"wamid.{text}", text))), *account_ids)

    async def read(self, *, later: timedelta = timedelta()) -> None:
        """The reader takes all that is due so much later."""
        self.now += later
        await self.reader.catch_up()

    async def received(self) -> list[str]:
        """The texts in the log."""
        return [one.content.text for one in await messages_in(self.parts.log)]

    async def kept(self, delivery_id: str) -> Kept:
        found = await self.parts.deliveries.get(delivery_id)
        assert found is not None
        return found

    async def states(self) -> dict[DeliveryState, int]:
        """How many deliveries there are in each."""
        pages = {state: await self.parts.deliveries.page(Wanted(state=state), limit=200) for state in DeliveryState}
        return {state: len(page) for state, (page, _) in pages.items() if page}
