"""The composition root: every part of a process, made by plain calls, from the log upwards."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from api.doors.delivery_reader import DeliveryReader
from api.doors.delivery_taking import DeliveryTaking
from api.doors.imap_door import ImapDoor
from api.doors.lmtp_door import LmtpDoor
from api.doors.nats_door import NatsDoor
from api.doors.take_mail import TakeMail
from api.doors.wecom_door import WecomDoor, keeping
from api.gathering import GATHER_SECONDS
from api.metrics import Metrics
from api.parts import Parts
from api.settings import Keys, Settings, decode_keys
from application.claims import ClaimKeys
from application.commands import Commands
from application.directory import Directory
from application.exchange.attempts import Attempts, Provider
from application.exchange.media import Get
from application.expectations.expect_waits import ExpectWaits
from application.explaining.explain_decisions import ExplainDecisions
from application.follower import Follower, Reaction
from application.plans.apply_plan import ApplyPlan
from application.policies.count_traffic import CountTraffic
from application.policies.fetch_media import FetchMedia
from application.policies.keep_snapshots import KeepSnapshots
from application.policies.return_work import ReturnWork
from application.policies.send_replies import SendReplies
from application.projections.agent_board import AgentBoard
from application.projections.conversations import Conversations
from application.projections.decisions import Decisions
from application.projections.projection import Folds, Projection, projection_of
from application.projections.queue_board import QueueBoard
from application.projections.timeline import Timeline
from application.push import Hub
from application.router import Router
from application.router_snapshots import Trail
from application.states import States
from application.use_cases.assign_work import AssignWork
from application.use_cases.conversation_desk import Desk
from application.use_cases.keep_staff import KeepStaff
from application.use_cases.know_customers import KnowCustomers
from application.use_cases.prove_visitors import ProveVisitors
from application.use_cases.receive_echoes import ReceiveEchoes
from application.use_cases.receive_messages import ReceiveMessages
from application.use_cases.receive_reports import ReceiveReports
from application.use_cases.receive_together import ReceiveTogether
from application.use_cases.serve_conversations import ServeConversations
from application.use_cases.set_up import SetUp
from application.use_cases.settle_replies import SettleReplies
from application.use_cases.steer_conversations import SteerConversations
from channels.table import CHANNELS
from infrastructure.announcer import Announcer, Moved
from infrastructure.deliveries.store import PostgresDeliveries
from infrastructure.deliveries.traffic import PostgresTraffic
from infrastructure.expectations import PostgresExpectations
from infrastructure.leases import Leases, together
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.log.writer import WriterLimits
from infrastructure.media.guarded_get import GuardedGet
from infrastructure.media.places import Bucket, Folder, Place
from infrastructure.media.sealed_store import SealedStore
from infrastructure.nats_link import NatsLink
from infrastructure.outbox import PostgresOutbox
from infrastructure.polled import PostgresPolled
from infrastructure.positions import PostgresPositions
from infrastructure.router_snapshots import PostgresRouterSnapshots
from infrastructure.stopping import stop
from infrastructure.views.builds import store_of
from infrastructure.views.readers import PostgresViewReaders


def now() -> datetime:
    """The one clock of a process."""
    return datetime.now(UTC)


REPLY_CHANNELS = {name: channel.limits for name, channel in CHANNELS.items() if channel.takes_replies}
FOLDS: Folds = (Timeline(), Conversations(REPLY_CHANNELS), QueueBoard(), AgentBoard(), Decisions())
"""Every view."""
PROVIDER_SECONDS_MAX = 20.0
"""A provider that has not answered a send by then has an unknown outcome."""


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
        parts = _parts(settings, keys, metrics, log, nats, get)
        stack.push_async_callback(parts.deliveries.close)
        for tables in (parts.deliveries, parts.traffic, parts.expectations):
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
            "announcer": announcer.run,
        }
        if readers:
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
            leases = Leases(settings.database_url, leased)
            running |= {"leases": leases.run, "router": parts.router.run, "nats door": NatsDoor(parts).run}
        await stack.enter_async_context(_running(running))
        if readers:
            await stack.enter_async_context(LmtpDoor(parts).listening())
        yield parts


def _parts(settings: Settings, keys: Keys, metrics: Metrics, log: PostgresLog, nats: NatsLink, get: Get) -> Parts:
    """Everything that a request may need, from the log upwards."""
    claim_keys, directory = ClaimKeys(keys.claim_key), Directory(log)
    commands = Commands(log, States(log, log.snapshots), claim_keys)
    receive, customers = ReceiveMessages(commands, directory), KnowCustomers(commands)
    deliveries = PostgresDeliveries(settings.database_url, keys.master_keys)
    echoes, reports = ReceiveEchoes(commands, directory), ReceiveReports(commands, directory)
    media, views = _media_store(settings, keys), PostgresViewReaders(log.pool)
    mail = TakeMail(commands, directory, receive, reports, media, metrics, media_bytes_max=settings.media_bytes_max)
    taking = DeliveryTaking(directory, receive, customers, echoes, reports, mail, get, metrics)
    desk, directory_follower = Desk(commands, directory), Follower(log, directory)
    expectations = PostgresExpectations(settings.database_url, log.pool)
    snapshots = PostgresRouterSnapshots(log.pool, keys.master_keys)
    return Parts(
        settings=settings,
        keys=keys,
        clock=now,
        log=log,
        claim_keys=claim_keys,
        commands=commands,
        directory=directory,
        receive=receive,
        receive_together=ReceiveTogether(receive),
        echoes=echoes,
        reports=reports,
        serve=ServeConversations(desk, REPLY_CHANNELS),
        steer=SteerConversations(desk),
        replies=SettleReplies(commands),
        staff=KeepStaff(commands),
        customers=customers,
        visitors=ProveVisitors(commands),
        set_up=SetUp(commands),
        plans=ApplyPlan(commands, directory, directory_follower, views),
        deliveries=deliveries,
        delivery_reader=DeliveryReader(deliveries, taking, now, metrics, retention=_retention(settings)),
        traffic=PostgresTraffic(settings.database_url, log.pool),
        polled=PostgresPolled(log.pool),
        views=views,
        explain=ExplainDecisions(log, views, snapshots),
        expectations=expectations,
        hub=Hub(views, also={ExpectWaits.name: expectations}),
        metrics=metrics,
        media=media,
        take_mail=mail,
        projections=_projections(settings),
        router=Router(log, AssignWork(commands), now, Trail(snapshots)),
        nats=nats,
        followers={"directory": directory_follower},
    )


def _retention(settings: Settings) -> timedelta:
    return timedelta(days=settings.raw_retention_days)


def _projections(settings: Settings) -> dict[str, Projection]:
    return {fold.name: projection_of(fold, store_of(settings.database_url, fold.name, fold.version)) for fold in FOLDS}


def _followers(parts: Parts, client: httpx.AsyncClient, get: Get, announcer: Announcer) -> dict[str, Follower]:
    """Everything that follows the log beside the directory: the projections, the policies and the router."""
    positions = PostgresPositions(parts.log.pool)
    providers = {
        name: Provider(send=channel.send, limits=channel.limits)
        for name, channel in CHANNELS.items()
        if channel.send is not None
    }
    attempts = Attempts(parts.commands, parts.directory, providers, client, now, random.random)
    advanced = (parts.hub.advanced, announcer.moved)
    reactions: list[Reaction] = [
        *parts.projections.values(),
        ReturnWork(parts.commands.states, parts.steer, positions, now),
        SendReplies(parts.log, parts.directory, attempts, providers, PostgresOutbox(parts.log.pool), now),
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


def _media_store(settings: Settings, keys: Keys) -> SealedStore:
    place: Place = Folder(settings.data_directory / "media")
    if settings.media_store:
        place = Bucket(
            settings.media_store,
            endpoint=settings.media_s3_endpoint,
            region=settings.media_s3_region,
            access_key=settings.media_s3_access_key,
            secret_key=settings.media_s3_secret_key,
        )
    return SealedStore(place, master_keys=keys.master_keys, digest_key=keys.claim_key)


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
    tasks = [asyncio.create_task(_coroutine(body), name=name) for name, body in bodies.items()]
    try:
        yield
    finally:
        await stop(tasks)


async def _coroutine(body: Callable[[], Awaitable[None]]) -> None:
    await body()
