"""HTTP connections as uvicorn speaks them: a request's head has an end, in bytes and time; an answer is one write."""

import asyncio
from asyncio.events import TimerHandle
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.http.problems import answer_problem
from api.http.refusals import HeadTooLarge, Invalid, Refusal

HEAD_BYTES_MAX = 65_536
"""Of the request line and all headers, give or take what was read at once; of a trailer as well."""
HEAD_SECONDS_MAX = 30.0
"""A connection on which the head of a request has not arrived by then is closed."""


class HttpConnection(HttpToolsProtocol):
    """Tells who speaks no HTTP, or sends a head without end, by a problem, and hangs up.

    The parser joins a header piece by piece and knows no limit: one of 150 MB kept a core busy for three minutes.
    """

    _barren_bytes = 0
    """Since the parser last told us of something: they are part of a head or a trailer."""
    _is_in_head = False
    _head_timer: TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]  # it is one in all else
        self._head_timer = self.loop.call_later(HEAD_SECONDS_MAX, self._head_is_late)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timer()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._barren_bytes += len(data)
        super().data_received(data)
        if self._barren_bytes > HEAD_BYTES_MAX:
            self._refuse(HeadTooLarge(HEAD_BYTES_MAX))
        elif self._is_in_head and self._head_timer is None:  # most heads come whole, and need no timer
            self._head_timer = self.loop.call_later(HEAD_SECONDS_MAX, self._head_is_late)

    @override
    def on_message_begin(self) -> None:
        self._barren_bytes, self._is_in_head = 0, True
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._barren_bytes, self._is_in_head = 0, False
        self._forget_timer()
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._barren_bytes = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._barren_bytes = 0
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(Invalid("request", "this is no HTTP/1.1 request"))

    def _refuse(self, refusal: Refusal) -> None:
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:  # else an answer to what came before is on its way
            answer = answer_problem(refusal, "")
            head = (
                f"content-type: {answer.media_type}\r\ncontent-length: {len(answer.body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(STATUS_LINE[answer.status] + head.encode() + answer.body)
        self.transport.close()

    def _head_is_late(self) -> None:
        self.transport.close()

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


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
