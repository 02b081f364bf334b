"""One write an answer: its head waits for its body, which the server hands on right behind it."""

import asyncio
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWrite(HttpToolsProtocol):
    """uvicorn's own protocol of HTTP, on a transport that gathers what is written in one turn of the loop."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]  # it is one in all else


class Gathering:
    """A transport whose writes leave together at the end of the loop's turn: each alone is a system call."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, content: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self._send)
        self._written.append(content)

    def close(self) -> None:
        """What was written goes first."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        written, self._written = self._written, []
        if written and not self._transport.is_closing():
            self._transport.write(b"".join(written))
