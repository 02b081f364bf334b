"""A provider of attachments that answers by a script, the policy that asks it, and what is recorded of it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from application.exchange.media import Fetched, Get, MediaRefused
from application.follower import Follower
from application.policies.fetch_media import FetchMedia
from application.use_cases.receive_messages import Receipt
from domain import media
from domain.account import AccountDefinition
from domain.interaction import Attachment
from infrastructure.media.guarded_get import GuardedGet
from infrastructure.media.places import Folder
from infrastructure.media.sealed_store import SealedStore
from tests.application.situations import CLAIM_KEY, MASTER_KEY, Shop, a_message

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(50)
BYTES_MAX = 70_000
GET = GuardedGet(bytes_max=BYTES_MAX)
"""Opens no connection by itself; the scripted provider asks nobody."""


class Provider:
    """Answers each reference as the script says, then with a PNG. A reference of `stuck` waits for ever."""

    def __init__(self, *script: Fetched | Exception) -> None:
        self.script = list(script)
        self.asked: list[str] = []

    async def fetch(self, account: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
        del account, get
        self.asked.append(attachment.reference)
        if attachment.reference == "stuck":
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        answer = self.script.pop(0) if self.script else Fetched(body=PNG, content_type="image/png")
        if isinstance(answer, Exception):
            raise answer
        return answer


class Counts:
    """What an observer was told."""

    def __init__(self) -> None:
        self.stored_bytes: list[int] = []
        self.refused: Counter[tuple[str, bool]] = Counter()

    def media_stored(self, *, size_bytes: int) -> None:
        self.stored_bytes.append(size_bytes)

    def media_refused(self, *, why: str, is_final: bool) -> None:
        self.refused[why, is_final] += 1


class Fetching:
    """The policy as a process runs it that starts now."""

    def __init__(self, shop: Shop, provider: Provider, folder: Path, pauses_seconds: Sequence[float] = (0.0,)) -> None:
        self.counts = Counts()
        self.store = a_store(folder)
        self.policy = FetchMedia(
            shop.commands,
            shop.directory,
            {"webchat": provider.fetch},
            GET,
            self.store,
            shop.positions,
            shop.clock,
            self.counts,
            bytes_max=BYTES_MAX,
            pauses_seconds=pauses_seconds,
        )
        self.follower = Follower(shop.log, self.policy)

    async def settle(self) -> None:
        """Takes all there is, and waits until nothing is waiting."""
        await self.follower.catch_up()
        async with asyncio.timeout(30):
            await self.policy.lanes.idle()


def a_store(folder: Path) -> SealedStore:
    return SealedStore(Folder(folder / "media"), master_keys=[MASTER_KEY], digest_key=CLAIM_KEY)


async def a_picture(
    shop: Shop, *references: str, message_id: str = "m-1", handle: str = "li", account_id: str = "", **more: object
) -> Receipt:
    """A message with these attachments."""
    attachments = [{"name": f"{one}.png", "content_type": "image/png", "reference": one, **more} for one in references]
    content = {"kind": "image", "attachments": attachments}
    (receipt,) = await shop.receive(a_message(message_id, handle, content=content), account_id=account_id)
    return receipt


async def until(condition: Callable[[], bool]) -> None:
    """Lets others run until it holds; fails where it does not hold in time."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # what is waited for belongs to others
            await asyncio.sleep(0)


async def told(shop: Shop) -> list[media.MediaEvent]:
    """What is recorded about media, in order."""
    return [one for one in await shop.since(0) if isinstance(one, media.MediaEvent)]


NOT_NOW = MediaRefused("come again", is_final=False)
