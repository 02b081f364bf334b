"""What the screen shows: counters, boards and one timeline, filled by whoever learns something."""

import time
from collections import Counter, deque
from typing import Any, NamedTuple

import msgspec

from application.explaining.explanation import Explanation


class Handed(NamedTuple):
    """A reply that a provider has taken."""

    channel: str
    provider_id: str
    handle: str
    """Whom it is for."""


class Scene(msgspec.Struct, kw_only=True):
    """The demo as it stands. Everything in it came over HTTP or a socket."""

    began: float = msgspec.field(default_factory=time.monotonic)
    taken_in: Counter[str] = msgspec.field(default_factory=Counter)
    """Messages acknowledged to customers, by channel."""
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    """Answers other than 2xx, by status."""
    replies: int = 0
    closed: int = 0
    replies_out: Counter[str] = msgspec.field(default_factory=Counter)
    """Replies that reached a provider, a mail server or a visitor, by channel."""
    amendments: Counter[str] = msgspec.field(default_factory=Counter)
    """Edits, reactions and unsends of customers, by what it was."""
    pictures_in: int = 0
    """Mails of customers that carried one."""
    pictures_out: int = 0
    """Mails to customers that did."""
    receipts: int = 0
    handed: deque[Handed] = msgspec.field(default_factory=lambda: deque(maxlen=1_000))
    """Replies without a receipt so far."""
    held_back: list[dict[str, Any]] = msgspec.field(default_factory=list)
    """What WeCom has to tell, in order: it says only that there is something, and is asked for pages."""
    declined: int = 0
    arrivals: deque[float] = msgspec.field(default_factory=lambda: deque(maxlen=20_000))
    """When each message was acknowledged, on the monotonic clock."""
    latencies: deque[float] = msgspec.field(default_factory=lambda: deque(maxlen=5_000))
    """Seconds from recorded in the log to the frame on an agent's socket."""
    queues: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    """Waiting conversations by id, over all queues."""
    agents: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    timeline: deque[dict[str, Any]] = msgspec.field(default_factory=lambda: deque(maxlen=200))
    media: set[str] = msgspec.field(default_factory=set)
    """Channels in the featured customer's timeline."""
    decisions: deque[dict[str, Any]] = msgspec.field(default_factory=lambda: deque(maxlen=50))
    routed: Counter[str] = msgspec.field(default_factory=Counter)
    """What routing did beside its offers, by topic."""
    explained: Explanation | None = None
    """One decision of the day, for the end."""
    position: int = 0

    def took_in(self, channel: str, messages: int = 1) -> None:
        """So many messages were acknowledged."""
        self.taken_in[channel] += messages
        self.arrivals.extend([time.monotonic()] * messages)

    def shows(self, rows: list[dict[str, Any]]) -> None:
        """These entries of the timeline are new, or have changed where they stand."""
        self.media.update(row["event"]["channel"] for row in rows if "channel" in row["event"])
        entries = {row["position"]: row for row in (*self.timeline, *rows)}
        self.timeline = deque(entries.values(), maxlen=self.timeline.maxlen)

    def per_second(self, over_seconds: float = 5.0) -> float:
        """Messages acknowledged a second, lately."""
        now = time.monotonic()
        over_seconds = min(over_seconds, max(now - self.began, 0.5))
        return sum(now - at <= over_seconds for at in self.arrivals) / over_seconds

    def latency_ms(self, part: float) -> float | None:
        """The quantile of the push latencies in milliseconds; None before there are any."""
        if not self.latencies:
            return None
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000
