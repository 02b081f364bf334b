"""Load over HTTP: many connections, each with one request under way, whose own cost is small beside the server's."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import cast

from typing_extensions import override

STATUS_BYTES = slice(9, 12)
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "

Requests = Iterator[bytes]
"""Whole requests, head and body, ready to be written."""


def request(path: str, body: bytes, *, key: str = "") -> bytes:
    """A POST of JSON."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"{authorization}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last one is whole."""

    def __init__(self, requests: Requests, answered: Callable[[float, bytes], None]) -> None:
        self._requests = requests
        self._answered = answered
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        self._send()

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(HEAD_END)
        if not found:
            return
        at = head.lower().index(LENGTH) + len(LENGTH)
        if len(body) < int(head[at:].split(b"\r\n", 1)[0]):
            return
        self._answered(time.perf_counter() - self._sent_at, self._received)
        self._received = b""
        self._send()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def _send(self) -> None:
        assert self._transport is not None
        following = next(self._requests, None)
        if following is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(following)


async def put_load(host: str, port: int, requests: Requests, *, connections: int) -> tuple[float, list[float]]:
    """Sends all requests. Returns the seconds it took, and the seconds of each answer. Raises on any but a 2xx."""
    seconds: list[float] = []

    def answered(took: float, answer: bytes) -> None:
        assert answer[STATUS_BYTES].startswith(b"2"), answer[:2_000]
        seconds.append(took)

    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: _Connection(requests, answered), host, port) for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in opened))
    return time.perf_counter() - began, seconds
