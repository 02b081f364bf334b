"""Everything that a request may need, made by plain calls, from the log upwards."""

from datetime import UTC, datetime, timedelta
from functools import partial

from api.doors.delivery_reader import DeliveryReader
from api.doors.delivery_taking import DeliveryTaking
from api.doors.take_mail import TakeMail
from api.links import has_links
from api.metrics import Metrics
from api.parts import Parts
from api.settings import Keys, Settings
from api.sockets.attendance import Attendance
from application.claims import ClaimKeys
from application.commands import Commands
from application.directory import Directory
from application.exchange.limits import Takes
from application.exchange.media import Get
from application.expectations.expect_waits import ExpectWaits
from application.explaining.explain_decisions import ExplainDecisions
from application.follower import Follower
from application.plans.apply_plan import ApplyPlan
from application.projections.agent_board import AgentBoard
from application.projections.calls import CallBoard
from application.projections.conversations import Conversations
from application.projections.decisions import Decisions
from application.projections.projection import Folds, Projection, projection_of
from application.projections.queue_board import QueueBoard
from application.projections.timeline import Timeline
from application.push import Hub
from application.router import Router
from application.router_snapshots import Trail
from application.states import States
from application.use_cases.answer_by_mail import AnswerByMail
from application.use_cases.assign_work import AssignWork
from application.use_cases.attach_files import AttachFiles
from application.use_cases.conversation_desk import Desk
from application.use_cases.hand_over import HandOver
from application.use_cases.keep_staff import KeepStaff
from application.use_cases.know_customers import KnowCustomers
from application.use_cases.move_mails import MoveMails
from application.use_cases.prove_visitors import ProveVisitors
from application.use_cases.receive_echoes import ReceiveEchoes
from application.use_cases.receive_messages import ReceiveMessages
from application.use_cases.receive_reports import ReceiveReports
from application.use_cases.receive_together import ReceiveTogether
from application.use_cases.serve_conversations import ServeConversations
from application.use_cases.set_up import SetUp
from application.use_cases.settle_replies import SettleReplies
from application.use_cases.steer_conversations import SteerConversations
from application.use_cases.take_calls import TakeCalls
from channels.table import CHANNELS, takes_of
from infrastructure.agent_leases import PostgresAgentLeases
from infrastructure.deliveries.store import PostgresDeliveries
from infrastructure.deliveries.traffic import PostgresTraffic
from infrastructure.expectations import PostgresExpectations
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.media.places import Bucket, Folder, Place
from infrastructure.media.sealed_store import SealedStore
from infrastructure.nats_link import NatsLink
from infrastructure.polled import PostgresPolled
from infrastructure.router_leads import PostgresRouterLeads
from infrastructure.router_snapshots import PostgresRouterSnapshots
from infrastructure.views.builds import store_of
from infrastructure.views.readers import PostgresViewReaders


def now() -> datetime:
    """The one clock of a process."""
    return datetime.now(UTC)


REPLY_CHANNELS = {name: channel.limits for name, channel in CHANNELS.items() if channel.takes_replies}
MAILED = REPLY_CHANNELS["email"].files
"""The files that a mail takes."""
FOLDS: Folds = (Timeline(), Conversations(REPLY_CHANNELS), QueueBoard(), AgentBoard(), Decisions(), CallBoard())
"""Every view."""


def assembled(settings: Settings, keys: Keys, metrics: Metrics, log: PostgresLog, nats: NatsLink, get: Get) -> Parts:
    """Everything that a request may need, from the log upwards."""
    media, views, url, pool = _media(settings, keys), PostgresViewReaders(log.pool), settings.database_url, log.pool
    both = commands, directory = Commands(log, States(log, log.snapshots), ClaimKeys(keys.claim_key)), Directory(log)
    receive, calls, desk = ReceiveMessages(*both), TakeCalls(*both), Desk(*both, _takes(settings))
    echoes, reports, answers = ReceiveEchoes(*both), ReceiveReports(*both), AnswerByMail(*both)
    follower, snapshots = Follower(log, directory), PostgresRouterSnapshots(pool, keys.master_keys)
    deliveries, expectations = PostgresDeliveries(url, keys.master_keys), PostgresExpectations(url, pool)
    mail = TakeMail(directory, receive, answers, reports, media, metrics, media_bytes_max=settings.media_bytes_max)
    taking = DeliveryTaking(directory, receive, calls, echoes, reports, mail, SetUp(commands), get, metrics)
    return Parts(
        settings=settings,
        keys=keys,
        clock=now,
        log=log,
        commands=commands,
        directory=directory,
        receive=receive,
        receive_together=ReceiveTogether(receive),
        echoes=echoes,
        reports=reports,
        serve=ServeConversations(desk),
        files=AttachFiles(commands, desk, media),
        steer=SteerConversations(desk),
        replies=SettleReplies(commands),
        mails=MoveMails(commands, directory),
        hand_over=HandOver(*both, MAILED),
        staff=KeepStaff(commands),
        customers=KnowCustomers(commands),
        calls=calls,
        visitors=ProveVisitors(commands),
        set_up=SetUp(commands),
        plans=ApplyPlan(commands, directory, follower, views),
        deliveries=deliveries,
        delivery_reader=DeliveryReader(deliveries, taking, now, metrics, retention=_retention(settings)),
        traffic=PostgresTraffic(url, pool),
        polled=PostgresPolled(pool),
        views=views,
        explain=ExplainDecisions(log, views, snapshots),
        expectations=expectations,
        hub=Hub(views, also={ExpectWaits.name: expectations}),
        attendance=Attendance(PostgresAgentLeases(pool), directory),
        metrics=metrics,
        media=media,
        take_mail=mail,
        projections=_projections(settings),
        router=Router(log, AssignWork(commands), now, Trail(snapshots), PostgresRouterLeads(pool)),
        nats=nats,
        followers={"directory": follower},
    )


def _takes(settings: Settings) -> Takes:
    return partial(takes_of, has_links=has_links(settings))


def _retention(settings: Settings) -> timedelta:
    return timedelta(days=settings.raw_retention_days)


def _projections(settings: Settings) -> dict[str, Projection]:
    return {fold.name: projection_of(fold, store_of(settings.database_url, fold.name, fold.version)) for fold in FOLDS}


def _media(settings: Settings, keys: Keys) -> SealedStore:
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
