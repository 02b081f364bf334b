"""One accepted websocket: what it says, what it is told, and with which code it ends."""

import asyncio
import time
from collections.abc import Coroutine
from enum import IntEnum
from typing import Any

from litestar import WebSocket

CLOSE_SECONDS_MAX = 10.0
"""For the close frame of a client that does not read."""
FRAMES_AT_ONCE_MAX = 60
FRAMES_PER_SECOND_MAX = 20.0
"""What a client may go on saying after `FRAMES_AT_ONCE_MAX`."""


class Code(IntEnum):
    """Close codes. The first three are RFC 6455's, the others ours: 4000 and an HTTP status."""

    NORMAL = 1000
    TOO_LARGE = 1009
    """A frame is over the limit."""
    TRY_AGAIN = 1013
    """This server is full, or cannot do it at the moment."""
    UNREADABLE = 4400
    """A binary frame, or another breach of the protocol."""
    NOT_SIGNED_IN = 4401
    """The ticket is wrong, old or used; or the session is over: barred, new password, 12 hours."""
    ORIGIN = 4403
    """The page is not one that may open this socket."""
    UNKNOWN = 4404
    """There is no such channel account."""
    TOO_SLOW = 4408
    """The client did not read. Connect again and resume each watch after its last position."""
    TOO_MANY = 4429
    """The client said too much in too short a time."""


class Closing(Exception):
    """The socket is to end, with this code."""

    def __init__(self, code: Code, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Gone(Exception):
    """The client hung up."""


class Connection:
    """Text frames in and out."""

    def __init__(self, socket: WebSocket[Any, Any, Any], frame_bytes_max: int) -> None:
        self._socket = socket
        self._frame_bytes_max = frame_bytes_max
        self._left = float(FRAMES_AT_ONCE_MAX)
        self._counted_at = time.monotonic()

    async def receive(self) -> str:
        """The next frame. Raises Gone, Closing for what is no text, too large, or too much."""
        event: Any = await self._socket.receive()
        if event["type"] != "websocket.receive":
            raise Gone
        text = event.get("text")
        if text is None:
            raise Closing(Code.UNREADABLE, "frames are JSON texts")
        if len(text) > self._frame_bytes_max:
            raise Closing(Code.TOO_LARGE, f"a frame has at most {self._frame_bytes_max} bytes")
        self._count()
        return str(text)

    def _count(self) -> None:
        now = time.monotonic()
        refilled = self._left + (now - self._counted_at) * FRAMES_PER_SECOND_MAX
        self._left, self._counted_at = min(float(FRAMES_AT_ONCE_MAX), refilled) - 1, now
        if self._left < 0:
            raise Closing(Code.TOO_MANY, "too many frames in too short a time")

    async def send(self, frame: bytes) -> None:
        """Sends UTF-8 JSON as a text frame; waits while the client does not read."""
        await self._socket.send({"type": "websocket.send", "text": frame.decode(), "bytes": None})

    async def close(self, closing: Closing) -> None:
        """Tells the code, if the client still listens."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._socket.close(closing.code, closing.reason[:120])
        except (TimeoutError, OSError):
            pass  # nobody reads it


async def accepted(
    socket: WebSocket[Any, Any, Any], frame_bytes_max: int, subprotocol: str | None = None
) -> Connection:
    """Accepts first and refuses later, by code: a browser is not told why a handshake failed."""
    await socket.accept(subprotocol)
    return Connection(socket, frame_bytes_max)


async def until_first_ends(*bodies: Coroutine[Any, Any, None]) -> None:
    """Runs all until one ends, then ends the others. Raises what the first to end raised."""
    tasks = [asyncio.ensure_future(body) for body in bodies]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in done:
            task.result()
