"""Metrics in Prometheus' form: how long appends take, how far each reader lags, what waits, who is connected."""

from collections import Counter as Counts
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from application.expectations.expectation import Outcome
from application.follower import Follower
from application.log import Log
from application.policies.fetch_media import FetchMedia
from application.projections.projection import Projection
from application.router import Router

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WAIT_BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600)
COUNT_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

M = TypeVar("M")
Make = Callable[..., M]


class Metrics:
    """Every metric of a process; also the observer of the log's writer. No label carries personal data."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, namespace="onethread", registry=self.registry)
        gauge = partial(Gauge, namespace="onethread", registry=self.registry)
        histogram = partial(Histogram, namespace="onethread", registry=self.registry)
        self._call_seconds = histogram(
            "append_call_seconds", "One durable call of the group commit.", buckets=SECONDS_BUCKETS
        )
        self._append_seconds = histogram(
            "append_seconds", "The slowest append of each durable call, from submitted on.", buckets=SECONDS_BUCKETS
        )
        self._batch_requests = histogram(
            "append_batch_requests", "Appends that shared one durable call.", buckets=COUNT_BUCKETS
        )
        self._backlog_requests = gauge("append_backlog_requests", "Appends accepted and not yet durable.")
        self._backlog_bytes = gauge("append_backlog_bytes", "The same, by size.")
        self.received = counter("messages_received_total", "Messages taken in, by channel.", ["channel"])
        self.refused = counter("requests_refused_total", "Requests answered with a problem.", ["problem"])
        self.request_seconds = histogram(
            "request_seconds", "HTTP requests.", ["method", "route", "status"], buckets=SECONDS_BUCKETS
        )
        self.bodies_bytes = gauge("bodies_bytes", "What large bodies of requests under way take of memory.")
        self.sockets = gauge("sockets", "Open sockets, by who is at the other end.", ["kind"])
        self.pushed = counter("frames_pushed_total", "Frames given to sockets.")
        self.lag_seconds = gauge(
            "reader_lag_seconds",
            "Age of the oldest event that a reader has not read; 0 when it has all.",
            ["reader"],
        )
        self.lag_events = gauge("reader_lag_positions", "Positions between a reader and the head.", ["reader"])
        self.parked = gauge("parked_streams", "Streams that a projection cannot follow.", ["projection"])
        self.waiting = gauge("queue_waiting", "Conversations that wait, by queue.", ["queue"])
        self.decisions = counter("router_decisions_total", "Decisions taken by the router in this process.")
        self.decisions_refused = counter("router_decisions_refused_total", "Those that were stale.")
        self._decided = self._refused = 0  # of the router, as counted so far
        self.set_aside = gauge("router_set_aside", "Conversations out of the line because they cannot be read.")
        self._waits = counter(
            "expected_waits_total",
            "Waits that ended, against what was first said: within the band, shorter, longer; given_up: nobody knows.",
            ["outcome"],
        )
        self._wait_error_seconds = histogram(
            "wait_error_seconds", "How far waits were from what was first said, either way.", buckets=WAIT_BUCKETS
        )
        self._make_media(counter, gauge)
        self._make_deliveries(counter, gauge)
        self.head = gauge("log_head_position", "Position of the newest durable event.")

    def _make_media(self, counter: Make[Counter], gauge: Make[Gauge]) -> None:
        self._media_stored = counter("media_stored_total", "Attachments that are kept by now.")
        self._media_bytes = counter("media_stored_bytes_total", "Their bytes.")
        self._media_refused = counter(
            "media_refused_total",
            "Tries to get an attachment that failed, by reason; not_stored: the media store takes nothing.",
            ["reason", "final"],
        )
        self.media_waiting = gauge("media_waiting", "Attachments that are still to be got, by this process.")
        self.media_oldest_seconds = gauge("media_oldest_waiting_seconds", "Age of the oldest of them.")

    def _make_deliveries(self, counter: Make[Counter], gauge: Make[Gauge]) -> None:
        self.deliveries_stored = counter("deliveries_stored_total", "Raw deliveries kept, by channel.", ["channel"])
        self.deliveries_settled = counter(
            "deliveries_settled_total", "Attempts to read one: done, parked or put off.", ["channel", "outcome"]
        )
        self.deliveries_expired = counter(
            "deliveries_expired_total", "Raw deliveries removed after their retention, by state.", ["state"]
        )
        self.delivery_items = counter(
            "delivery_items_total", "What was in those done, by kind; `ignored` is not stored.", ["kind"]
        )
        self.news_ignored = counter("news_ignored_total", "News that is not stored, by kind.", ["channel", "kind"])
        self.account_lag_seconds = gauge(
            "account_lag_seconds", "Age of the oldest delivery that waits and may be for the account.", ["account"]
        )
        self.account_waiting = gauge("account_deliveries_waiting", "Deliveries not read yet.", ["account"])
        self.account_parked = gauge("account_deliveries_parked", "Deliveries that could not be read.", ["account"])
        self.account_stuck = gauge(
            "account_replies_stuck",
            "Replies that cannot be tried; without account: or read.",
            ["account"],
        )
        self.account_shares_secret = gauge(
            "account_shares_secret", "1: another has its secret, and nothing else tells them apart.", ["account"]
        )
        self.account_silent = gauge("account_silent", "1: nothing came in for longer than it should.", ["account"])

    def called(self, *, seconds: float, slowest_seconds: float, requests: int, size_bytes: int) -> None:
        del size_bytes  # the backlog gauge shows bytes
        self._call_seconds.observe(seconds)
        self._append_seconds.observe(slowest_seconds)
        self._batch_requests.observe(requests)

    def backlog(self, *, requests: int, size_bytes: int) -> None:
        self._backlog_requests.set(requests)
        self._backlog_bytes.set(size_bytes)

    def media_stored(self, *, size_bytes: int) -> None:
        self._media_stored.inc()
        self._media_bytes.inc(size_bytes)

    def media_refused(self, *, why: str, is_final: bool) -> None:
        self._media_refused.labels(why, "yes" if is_final else "no").inc()

    def waited(self, outcome: Outcome) -> None:
        """The wait of a conversation ended."""
        if not outcome.is_taken:
            self._waits.labels("given_up").inc()
            return
        self._waits.labels(("within", "longer", "shorter")[outcome.side]).inc()
        self._wait_error_seconds.observe(abs(outcome.error_seconds))

    def measure_media(self, followers: Mapping[str, Follower], now: datetime) -> None:
        """Sets how many attachments wait, and for how long, where this process fetches them."""
        for follower in followers.values():
            if isinstance(follower.reaction, FetchMedia):
                lanes = follower.reaction.lanes
                self.media_waiting.set(lanes.waiting)
                since = lanes.oldest_since
                self.media_oldest_seconds.set((now - since).total_seconds() if since else 0.0)

    async def measure_lag(self, log: Log, followers: Mapping[str, Follower], now: datetime) -> dict[str, float]:
        """Sets the lag of each reader that runs here and returns it in seconds. Raises LogUnreachable."""
        head = await log.head()
        self.head.set(head)
        lags: dict[str, float] = {}
        for name, follower in followers.items():
            if follower.position < 0:  # another process has its lease; a standby is not behind
                self.lag_events.remove(name)
                self.lag_seconds.remove(name)
                continue
            behind = head - follower.position
            oldest = None
            if behind > 0:
                unread, _ = await log.read(follower.position, 1, follower.reaction.topics)
                oldest = unread[0].recorded_at if unread else None
            lags[name] = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
            self.lag_events.labels(name).set(behind)
            self.lag_seconds.labels(name).set(lags[name])
        return lags

    def measure_routing(self, router: Router) -> None:
        """Sets the sizes of the queues, where the router leads in this process, and counts its decisions."""
        self.decisions.inc(router.decided - self._decided)
        self.decisions_refused.inc(router.refused - self._refused)
        self._decided, self._refused = router.decided, router.refused
        if not router.leads:  # whoever leads tells; what this process knew when it led is long out of date
            self.waiting.clear()
            self.set_aside.set(0)
            return
        waiting = Counts(one.queue_id for one in router.state.facts.waiting.values())
        for queue_id in router.state.facts.queues.keys() | waiting.keys():
            self.waiting.labels(queue_id).set(waiting[queue_id])
        self.set_aside.set(sum(len(one.set_aside) for one in router.state.facts.queues.values()))

    def measure_parked(self, projections: Mapping[str, Projection]) -> None:
        """Sets how many streams each projection cannot follow."""
        for name, projection in projections.items():
            self.parked.labels(name).set(len(projection.parked))

    def text(self) -> bytes:
        """What `/metrics` answers."""
        return generate_latest(self.registry)
