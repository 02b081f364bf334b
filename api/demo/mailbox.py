"""The customers' mail server: takes the replies that the shop sends, over real SMTP, and counts them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmtpd.smtp import SMTP, Envelope, Session

from api.demo.scene import Scene


class Mailbox:
    """Takes every mail."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        """Counts the mail."""
        del server, session, envelope
        self._scene.mails_out += 1
        return "250 2.0.0 taken"


@asynccontextmanager
async def mailbox(scene: Scene) -> AsyncIterator[int]:
    """An SMTP server on a free port of this machine, which it gives."""
    taking = Mailbox(scene)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(taking), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
