"""The parts of a running process, as the composition root hands them to HTTP, sockets and the command line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from api.doors.delivery_reader import DeliveryReader
from api.doors.take_mail import TakeMail
from api.links import Links
from api.metrics import Metrics
from api.settings import Keys, Settings
from api.sockets.attendance import Attendance
from application.claims import ClaimKeys
from application.commands import Commands
from application.directory import Directory
from application.exchange.templates import Templates
from application.explaining.explain_decisions import ExplainDecisions
from application.follower import Follower
from application.plans.apply_plan import ApplyPlan
from application.plans.define_alone import DefineAlone
from application.projections.projection import Projection
from application.push import Hub
from application.router import Router
from application.use_cases.attach_files import AttachFiles
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
from application.views import ViewReaders
from channels.table import CHANNELS
from infrastructure.deliveries.store import PostgresDeliveries
from infrastructure.deliveries.traffic import PostgresTraffic
from infrastructure.expectations import PostgresExpectations
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.media.sealed_store import SealedStore
from infrastructure.nats_link import NatsLink
from infrastructure.polled import PostgresPolled
from infrastructure.stuck_replies import PostgresStuckReplies


def _templates() -> Templates:
    return Templates({name: one.list_templates for name, one in CHANNELS.items() if one.list_templates is not None})


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that a request may need."""

    settings: Settings
    keys: Keys
    clock: Callable[[], datetime]
    log: PostgresLog
    commands: Commands
    directory: Directory
    receive: ReceiveMessages
    receive_together: ReceiveTogether
    echoes: ReceiveEchoes
    reports: ReceiveReports
    serve: ServeConversations
    files: AttachFiles
    steer: SteerConversations
    replies: SettleReplies
    mails: MoveMails
    hand_over: HandOver
    staff: KeepStaff
    customers: KnowCustomers
    calls: TakeCalls
    visitors: ProveVisitors
    set_up: SetUp
    plans: ApplyPlan
    deliveries: PostgresDeliveries
    delivery_reader: DeliveryReader
    take_mail: TakeMail
    traffic: PostgresTraffic
    polled: PostgresPolled
    views: ViewReaders
    explain: ExplainDecisions
    expectations: PostgresExpectations
    hub: Hub
    attendance: Attendance
    metrics: Metrics
    media: SealedStore
    projections: Mapping[str, Projection]
    """By view; they follow the log only in a process that runs readers."""
    router: Router
    nats: NatsLink
    followers: dict[str, Follower]
    """Those that run in this process, by their reaction's name; the directory is always among them."""
    templates: Templates = field(default_factory=_templates)
    ports: dict[str, int] = field(default_factory=dict)
    """Where this process listens beside HTTP, by door."""

    @property
    def claim_keys(self) -> ClaimKeys:
        """Those of the log."""
        return self.commands.claim_keys

    @property
    def define(self) -> DefineAlone:
        """One queue, or the rules, set by themselves."""
        return DefineAlone(self.commands, self.directory, self.followers["directory"], self.views)

    @property
    def links(self) -> Links:
        """By which providers fetch files from us."""
        return Links(self.settings.public_url, self.keys.token_key, self.clock)

    @property
    def stuck_replies(self) -> PostgresStuckReplies:
        """Replies that cannot be tried."""
        return PostgresStuckReplies(self.settings.database_url, self.log.pool)
