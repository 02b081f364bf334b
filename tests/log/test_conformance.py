"""Our recorder keeps the eventsourcing library's contract: the library's own tests, run on our tables."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import AggregateRecorder, Tracking
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
)
from typing_extensions import override

from infrastructure.log.recorder import LogRecorder, create_tables, open_datastore
from tests.log.situations import a_stream

TABLES = "onethread_events, onethread_snapshots, onethread_claims, onethread_stream_keys, onethread_tracking"


class OnOurTables:
    """Gives the library's test cases our tables, emptied, and ids like ours."""

    datastore: PostgresDatastore

    @pytest.fixture(autouse=True)
    def _empty_tables(self, database_url: str) -> Iterator[None]:
        create_tables(database_url)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f"TRUNCATE {TABLES}")
        with open_datastore(database_url) as self.datastore:
            yield

    def new_originator_id(self) -> UUID | str:
        return a_stream()

    def create_recorder(self) -> Any:
        return LogRecorder(self.datastore)


class TestApplicationRecorder(OnOurTables, ApplicationRecorderTestCase):
    """All of it, the subscription included."""

    def test_a_subscription_gets_what_is_and_what_comes(self) -> None:
        self.optional_test_insert_subscribe()


class TestOrder(OnOurTables, NonInterleavingNotificationIDsBaseCase):
    """Positions of two inserts at the same time do not interleave."""


class TestSnapshotRecorder(OnOurTables, AggregateRecorderTestCase):
    """The library's recorder for snapshots, on our table."""

    @override
    def create_recorder(self) -> AggregateRecorder:
        return PostgresAggregateRecorder(self.datastore, events_table_name="onethread_snapshots")


def test_the_tracking_table_is_the_librarys(database_url: str) -> None:
    create_tables(database_url)
    with open_datastore(database_url) as datastore:
        tracking = PostgresTrackingRecorder(datastore, tracking_table_name="onethread_tracking")

        tracking.insert_tracking(Tracking("timeline.1", 21))

        assert tracking.max_tracking_id("timeline.1") == 21
        assert partial(tracking.has_tracking_id, "timeline.1")(20)
