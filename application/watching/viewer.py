"""A viewer: what waits to be sent to one socket, and when it is cut off for reading too slowly."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec


class TooSlow(Exception):
    """You read too slowly and were cut off. Connect again and resume each watch after the last position you saw."""


class Disconnected(Exception):
    """The socket is closed; nothing more will be sent."""


class ViewerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How far a viewer may fall behind before it is cut off."""

    backlog_frames_max: int = 1_000
    backlog_bytes_max: int = 4 * 1024 * 1024
    backlog_age_seconds_max: float = 15.0
    watches_max: int = 50


class Viewer:
    """One socket. `next` is for one reader; everything else is the hub's."""

    def __init__(self, who: str, limits: ViewerLimits, on_over: Callable[["Viewer"], None]) -> None:
        self.who = who
        """Whose socket it is, for permissions."""
        self.is_over = asyncio.Event()
        """Set when it is cut off or disconnected, for a sender that hangs and does not come back to `next`."""
        self.frames_sent = 0
        """Frames given to it so far."""
        self._limits = limits
        self._on_over = on_over
        self._loop = asyncio.get_running_loop()
        self._backlog: deque[tuple[bytes, float]] = deque()
        self._backlog_bytes = 0
        self._reason: type[Exception] = Disconnected
        self._reader: asyncio.Future[None] | None = None

    async def next(self) -> bytes:
        """The next frame, once there is one: UTF-8 JSON. Raises TooSlow, Disconnected."""
        while not self._backlog:
            if self.is_over.is_set():
                raise self._reason
            self._reader = self._loop.create_future()
            await self._reader
        frame, _ = self._backlog.popleft()
        self._backlog_bytes -= len(frame)
        return frame

    def put(self, frame: bytes) -> bool:
        """Sends it after what waits already. False if the viewer is over, maybe because of this very frame."""
        if self.is_over.is_set():
            return False
        limits, now = self._limits, self._loop.time()
        # A frame that alone is larger than the limit still goes to a viewer that keeps up.
        is_full = len(self._backlog) >= limits.backlog_frames_max or (
            self._backlog and self._backlog_bytes + len(frame) > limits.backlog_bytes_max
        )
        if is_full or self.unsent_seconds(now) > limits.backlog_age_seconds_max:
            self.end(TooSlow)
            return False
        self._backlog.append((frame, now))
        self._backlog_bytes += len(frame)
        self.frames_sent += 1
        self._wake()
        return True

    def demand_speed(self) -> None:
        """Cuts the viewer off if what waits for it has become too old."""
        if self.unsent_seconds(self._loop.time()) > self._limits.backlog_age_seconds_max:
            self.end(TooSlow)

    def unsent_seconds(self, now: float) -> float:
        """Age of the oldest frame that waits, on the loop's clock."""
        return now - self._backlog[0][1] if self._backlog else 0.0

    def end(self, reason: type[Exception]) -> None:
        """Nothing more goes to this viewer; what waits is dropped."""
        if self.is_over.is_set():
            return
        self._reason = reason
        self.is_over.set()
        self._backlog.clear()
        self._backlog_bytes = 0
        self._on_over(self)
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None:
            if not self._reader.done():
                self._reader.set_result(None)
            self._reader = None
