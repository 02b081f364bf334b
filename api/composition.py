"""The composition root: every part of a process, made by plain calls, from the log upwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from api.doors.nats_door import NatsDoor
from api.metrics import Metrics
from api.parts import Parts
from api.settings import Settings, decode_keys
from application.claims import ClaimKeys
from application.commands import Commands
from application.directory import Directory
from application.follower import Follower, Reaction
from application.policies.keep_snapshots import KeepSnapshots
from application.policies.return_work import ReturnWork
from application.policies.send_replies import SendReplies
from application.projections.agent_board import AgentBoard
from application.projections.conversations import Conversations
from application.projections.projection import projection_of
from application.projections.queue_board import QueueBoard
from application.projections.timeline import Timeline
from application.projections.view import Board
from application.push import Hub
from application.router import Router
from application.states import States
from application.use_cases.assign_work import AssignWork
from application.use_cases.keep_staff import KeepStaff
from application.use_cases.know_customers import KnowCustomers
from application.use_cases.receive_messages import ReceiveMessages
from application.use_cases.serve_conversations import ServeConversations
from application.use_cases.set_up import SetUp
from channels.table import CHANNELS
from infrastructure.announcer import Announcer, Moved, connect
from infrastructure.leases import Leases
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.log.writer import WriterLimits
from infrastructure.positions import PostgresPositions
from infrastructure.views.builds import store_of
from infrastructure.views.readers import PostgresViewReaders


def now() -> datetime:
    """The one clock of a process."""
    return datetime.now(UTC)


FOLDS: tuple[Board | Timeline, ...] = (Timeline(), Conversations(), QueueBoard(), AgentBoard())
"""Every view."""


@asynccontextmanager
async def composed(settings: Settings, *, readers: bool) -> AsyncIterator[Parts]:
    """The parts of a process that runs; with `readers` also those that follow the log. They stop in reverse order.

    Raises SettingWrong, LogUnreachable.
    """
    keys, metrics = decode_keys(settings), Metrics()
    async with AsyncExitStack() as stack:
        limits = WriterLimits(backlog_requests_max=settings.append_backlog_max)
        log = PostgresLog(settings.database_url, keys.master_keys, now, writer_limits=limits, observer=metrics)
        await stack.enter_async_context(log)
        nats = await connect(settings.nats_url, "onethread")
        stack.push_async_callback(nats.close)
        announcer = Announcer(nats)

        claim_keys, states, directory = ClaimKeys(keys.claim_key), States(log, log.snapshots), Directory(log)
        commands = Commands(log, states, claim_keys)
        reply_channels = frozenset(name for name, channel in CHANNELS.items() if channel.takes_replies)
        serve = ServeConversations(commands, directory, reply_channels)
        senders = {name: channel.send for name, channel in CHANNELS.items() if channel.send is not None}
        router = Router(log, AssignWork(commands), now)
        views = PostgresViewReaders(log.pool)
        projections = {
            fold.name: projection_of(fold, store_of(settings.database_url, fold.name, fold.version)) for fold in FOLDS
        }
        for projection in projections.values():
            stack.push_async_callback(projection.close)
        hub = Hub(views)

        directory_follower = Follower(log, directory)
        await directory_follower.catch_up()
        positions = PostgresPositions(log.pool)
        reactions: list[Reaction] = [
            *projections.values(),
            ReturnWork(states, serve, positions, now),
            SendReplies(commands, directory, senders, positions, now),
            KeepSnapshots(states, log.snapshots, positions),
        ]
        followers = {"directory": directory_follower}
        if readers:
            followers |= {reaction.name: Follower(log, reaction) for reaction in reactions}
            followers["router"] = router.follower
        parts = Parts(
            settings=settings,
            keys=keys,
            clock=now,
            log=log,
            claim_keys=claim_keys,
            commands=commands,
            directory=directory,
            receive=ReceiveMessages(commands, directory),
            serve=serve,
            staff=KeepStaff(commands),
            customers=KnowCustomers(commands),
            set_up=SetUp(commands),
            views=views,
            hub=hub,
            metrics=metrics,
            projections=projections,
            router=router,
            nats=nats,
            followers=followers,
        )
        await _wire_wake_ups(parts, announcer)
        running: dict[str, Callable[[], Awaitable[None]]] = {
            "directory": directory_follower.run,
            "hub": hub.run,
            "announcer": announcer.run,
        }
        if readers:
            leased = {name: follower.run for name, follower in followers.items() if name not in ("directory", "router")}
            leases = Leases(settings.database_url, leased | {"router": router.run})
            running |= {"leases": leases.run, "nats door": NatsDoor(parts).run}
        await stack.enter_async_context(_running(running))
        yield parts


async def _wire_wake_ups(parts: Parts, announcer: Announcer) -> None:
    """Whoever moves something tells those who look at it: in this process at once, elsewhere through NATS."""

    def advanced(view: str, position: int) -> None:
        parts.hub.advanced(view, position)
        announcer.moved(view, position)

    for projection in parts.projections.values():
        projection.on_advanced.append(advanced)
    parts.log.on_appended.append(lambda position: announcer.moved("log", position))

    def heard(moved: Moved) -> None:
        if moved.what == "log":
            parts.log.nudge()
        else:
            parts.hub.advanced(moved.what, moved.position)

    await announcer.listen(heard)


@asynccontextmanager
async def _running(bodies: Mapping[str, Callable[[], Awaitable[None]]]) -> AsyncIterator[None]:
    """Runs them beside what the context holds; at its end they are cancelled and waited for."""
    tasks = [asyncio.ensure_future(body()) for body in bodies.values()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
