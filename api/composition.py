"""The composition root: every part of a process, and what of it runs, made by plain calls."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from random import SystemRandom

import httpx

from api.assembly import REPLY_CHANNELS, assembled, now
from api.doors.adapters.nats_door import NatsDoor
from api.doors.imap_door import ImapDoor
from api.doors.lmtp_door import LmtpDoor
from api.doors.wecom_door import WecomDoor, keeping
from api.gathering import GATHER_SECONDS
from api.links import has_links
from api.metrics import Metrics
from api.parts import Parts
from api.settings import Settings, decode_keys
from api.upkeep.account_health import warn_of_shared_secrets
from application.exchange.attempts import Attempts, Provider
from application.exchange.media import Get, Link
from application.exchange.spent import Spent
from application.expectations.expect_waits import ExpectWaits
from application.follower import Follower, Reaction
from application.policies.count_traffic import CountTraffic
from application.policies.end_lost_calls import EndLostCalls
from application.policies.fetch_media import FetchMedia
from application.policies.follow_answered_calls import FollowAnsweredCalls
from application.policies.hand_chats_over import HandChatsOver
from application.policies.keep_snapshots import KeepSnapshots
from application.policies.return_work import ReturnWork
from application.policies.send_replies import SendReplies
from application.policies.sign_out_lost import SignOutLost
from application.policies.tell_promises import TellPromises
from channels.table import CHANNELS
from infrastructure.announcer import Announcer, Moved
from infrastructure.leases import Leases, together
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.log.writer import WriterLimits
from infrastructure.media.guarded_get import GuardedGet
from infrastructure.nats_link import NatsLink
from infrastructure.outbox import PostgresOutbox
from infrastructure.positions import PostgresPositions
from infrastructure.stopping import stop

AGAIN_SECONDS = 1.0
PROVIDER_SECONDS_MAX = 20.0
"""A provider that has not answered a send by then has an unknown outcome."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def composed(settings: Settings, *, readers: bool) -> AsyncIterator[Parts]:
    """The parts of a process that runs; with `readers` also those that follow the log. They stop in reverse order.

    Raises SettingWrong, LogUnreachable.
    """
    keys, metrics = decode_keys(settings), Metrics()
    limits = WriterLimits(backlog_requests_max=settings.append_backlog_max)
    log = PostgresLog(settings.database_url, keys.master_keys, now, writer_limits=limits, observer=metrics)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(log)
        nats = NatsLink(settings.nats_url)
        stack.push_async_callback(nats.close)
        get = GuardedGet(bytes_max=settings.media_bytes_max)
        stack.push_async_callback(get.close)
        parts = assembled(settings, keys, metrics, log, nats, get)
        stack.push_async_callback(parts.deliveries.close)
        for tables in (parts.deliveries, parts.traffic, parts.expectations, parts.stuck_replies):
            await tables.open()
        for projection in parts.projections.values():
            stack.push_async_callback(projection.close)
        await parts.followers["directory"].catch_up()
        announcer = Announcer(nats)
        _wire_wake_ups(parts, announcer)
        running: dict[str, Callable[[], Awaitable[None]]] = {
            "nats": nats.run,
            "directory": parts.followers["directory"].run,
            "hub": parts.hub.run,
            "attendance": parts.attendance.run,
            "announcer": announcer.run,
        }
        if readers:
            warn_of_shared_secrets(parts.directory)
            # Each account has a limit of its own; one in common would let a stuck provider hold up all others.
            pool = httpx.Limits(max_connections=None, max_keepalive_connections=100)
            client = httpx.AsyncClient(timeout=PROVIDER_SECONDS_MAX, limits=pool, http2=False)
            await stack.enter_async_context(client)
            parts.followers.update(_followers(parts, client, get, announcer))
            leased = {name: one.run for name, one in parts.followers.items() if name not in ("directory", "router")}
            leased["router"] = together(parts.router.lead, leased.pop(ExpectWaits.name))
            wecom = _wecom_door(parts, client, announcer)
            leased |= {"deliveries": parts.delivery_reader.run, "wecom": wecom.run}
            leased["mailboxes"] = ImapDoor(parts).run
            lost = SignOutLost(parts.attendance.leases, parts.staff, parts.directory, parts.clock)
            leased[lost.name] = lost.run
            leases = Leases(settings.database_url, leased)
            running |= {"leases": leases.run, "router": parts.router.run, "nats door": NatsDoor(parts).run}
        await stack.enter_async_context(_running(running))
        if readers and (port := await stack.enter_async_context(LmtpDoor(parts).listening())) is not None:
            parts.ports["lmtp"] = port
        yield parts


def _followers(parts: Parts, client: httpx.AsyncClient, get: Get, announcer: Announcer) -> dict[str, Follower]:
    """Everything that follows the log beside the directory: the projections, the policies and the router."""
    positions = PostgresPositions(parts.log.pool)
    providers = {
        name: Provider(send=channel.send, limits=channel.limits)
        for name, channel in CHANNELS.items()
        if channel.send is not None
    }
    attempts = Attempts(
        parts.commands, parts.directory, providers, client, now, SystemRandom().random, parts.media, _link(parts)
    )
    advanced = (parts.hub.advanced, announcer.moved)
    reactions: list[Reaction] = [
        *parts.projections.values(),
        ReturnWork(parts.commands.states, parts.steer, parts.staff, positions, now),
        TellPromises(parts.commands, REPLY_CHANNELS, positions, now),
        HandChatsOver(parts.commands.states, parts.hand_over, positions, now),
        EndLostCalls(parts.calls, positions, now),
        FollowAnsweredCalls(parts.commands.states, parts.serve, parts.steer, positions, now),
        SendReplies(
            parts.log,
            parts.directory,
            attempts,
            providers,
            PostgresOutbox(parts.log.pool),
            Spent(parts.log, parts.commands.states),
            parts.stuck_replies,
            now,
            time.monotonic,
        ),
        _fetch_media(parts, get, positions),
        CountTraffic(parts.commands.states, parts.traffic),
        ExpectWaits(parts.log, parts.router, parts.expectations, now, parts.metrics.waited, advanced),
        KeepSnapshots(parts.commands.states, parts.log.snapshots, positions),
    ]
    followers = {
        reaction.name: Follower(parts.log, reaction, gather_seconds=GATHER_SECONDS.get(reaction.name, 0.0))
        for reaction in reactions
    }
    return followers | {"router": parts.router.follower}


def _link(parts: Parts) -> Link | None:
    return parts.links.to if has_links(parts.settings) else None


def _fetch_media(parts: Parts, get: Get, positions: PostgresPositions) -> FetchMedia:
    fetchers = {name: channel.fetch for name, channel in CHANNELS.items() if channel.fetch is not None}
    return FetchMedia(
        parts.commands,
        parts.directory,
        fetchers,
        get,
        parts.media,
        positions,
        now,
        parts.metrics,
        bytes_max=parts.settings.media_bytes_max,
    )


def _wecom_door(parts: Parts, client: httpx.AsyncClient, announcer: Announcer) -> WecomDoor:
    """Nudged by whichever process a callback came to."""
    door = WecomDoor(parts.directory, parts.polled, client, keeping(parts.deliveries), now)
    parts.polled.on_nudged.append(door.nudge)
    announcer.on_heard.append(lambda moved: door.nudge() if moved.what == "polled" else None)
    return door


def _wire_wake_ups(parts: Parts, announcer: Announcer) -> None:
    """Whoever moves something tells those who look at it: in this process at once, elsewhere through NATS."""

    def advanced(view: str, position: int) -> None:
        parts.hub.advanced(view, position)
        announcer.moved(view, position)

    for projection in parts.projections.values():
        projection.on_advanced.append(advanced)
    parts.log.on_appended.append(lambda position: announcer.moved("log", position))
    parts.polled.on_nudged.append(lambda: announcer.moved("polled", 0))
    parts.deliveries.on_moved += [parts.delivery_reader.nudge, lambda: announcer.moved("deliveries", 0)]

    def heard(moved: Moved) -> None:
        if moved.what == "log":
            parts.log.nudge(moved.position)
        elif moved.what == "deliveries":
            parts.delivery_reader.nudge()
        elif moved.what != "polled":
            parts.hub.advanced(moved.what, moved.position)

    announcer.on_heard.append(heard)


@asynccontextmanager
async def _running(bodies: Mapping[str, Callable[[], Awaitable[None]]]) -> AsyncIterator[None]:
    """Runs them beside what the context holds; at its end they are cancelled and waited for."""
    tasks = [asyncio.create_task(_kept_up(name, body), name=name) for name, body in bodies.items()]
    try:
        yield
    finally:
        await stop(tasks)


async def _kept_up(name: str, body: Callable[[], Awaitable[None]]) -> None:
    """Begins again what failed in a way that nobody thought of: without it, a door would be shut and nobody told."""
    while True:
        try:
            await body()
        except Exception:
            logger.exception("%s failed; it begins again", name)
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            return
