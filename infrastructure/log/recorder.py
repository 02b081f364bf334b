"""The tables, and the eventsourcing library's interface to them, so that its tools work on our log."""

from collections import deque
from collections.abc import Sequence
from importlib import resources
from threading import Event
from typing import Any

import psycopg
from eventsourcing.persistence import (
    InterfaceError,
    Notification,
    OperationalError,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import retry
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Composed
from typing_extensions import override

_TABLES = """
CREATE TABLE IF NOT EXISTS onethread_claims (
    key bytea PRIMARY KEY, position bigint NOT NULL, fingerprint bytea NOT NULL);
CREATE TABLE IF NOT EXISTS onethread_stream_keys (
    stream text PRIMARY KEY, wrapped_key bytea NOT NULL);
CREATE TABLE IF NOT EXISTS onethread_tracking (
    application_name text PRIMARY KEY, notification_id bigint);
CREATE TABLE IF NOT EXISTS onethread_polled (
    account_id text, source text, cursor text NOT NULL DEFAULT '', nudge text NOT NULL DEFAULT '',
    nudges bigint NOT NULL DEFAULT 0, nudges_served bigint NOT NULL DEFAULT 0, PRIMARY KEY (account_id, source));
CREATE TABLE IF NOT EXISTS onethread_agent_leases (
    agent_id text, node text, expires_at timestamptz NOT NULL, PRIMARY KEY (agent_id, node));
CREATE TABLE IF NOT EXISTS onethread_router_snapshots (
    state_name text, position bigint, event_digest bytea NOT NULL, wrapped_key bytea NOT NULL,
    sealed bytea STORAGE EXTERNAL NOT NULL, PRIMARY KEY (state_name, position));
CREATE TABLE IF NOT EXISTS onethread_router_leads (
    led_since timestamptz PRIMARY KEY, led_until timestamptz NOT NULL)
"""

# The library's insert has no expected versions, claims and keys; the primary key refuses a version that is taken.
_INSERT = """
SELECT outcome, at_position FROM onethread_events_append(
    '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
    %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::bytea[])
"""

_SCHEMA_LOCK = 0x6F6E_6574_6872_6561  # "onethrea": our number among the advisory locks of the database

_POLL_SECONDS = 0.05


class LogRecorder(PostgresApplicationRecorder):
    """The library's recorder on `onethread_events`, with inserts through our own function and no NOTIFY."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name="onethread_events")
        function = resources.files("infrastructure.log").joinpath("append.sql").read_text(encoding="utf-8")
        self.sql_create_statements[self.create_insert_function_statement_index] = _composed(function)
        self.sql_create_statements.append(_composed(_TABLES))

    @override
    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)  # as every method of the library's recorder
    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        if not stored_events:
            return []
        columns = (
            [0] * len(stored_events),
            [str(event.originator_id) for event in stored_events],
            [event.originator_version for event in stored_events],
            [event.topic for event in stored_events],
            [event.state for event in stored_events],
        )
        with self.datastore.get_connection() as connection, connection.cursor() as cursor:
            row = cursor.execute(_INSERT, columns, prepare=True).fetchone()
        assert row is not None  # the function always answers with a row
        first = row["at_position"] + 1
        return list(range(first, first + len(stored_events)))

    @override
    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "PollingSubscription":
        return PollingSubscription(self, gt=gt, topics=topics)


class PollingSubscription(Subscription[LogRecorder]):
    """Asks for more instead of listening: it needs no connection of its own and no NOTIFY can get lost."""

    def __init__(self, recorder: LogRecorder, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        super().__init__(recorder, gt=gt, topics=topics)
        self._selected: deque[Notification] = deque()
        self._stopped = Event()

    @override
    def stop(self) -> None:
        super().stop()
        self._stopped.set()

    @override
    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            if self._selected:
                notification = self._selected.popleft()
                self._last_notification_id = notification.id
                return notification
            self._selected.extend(
                self._recorder.select_notifications(
                    self._last_notification_id or 0, 500, topics=list(self._topics), inclusive_of_start=False
                )
            )
            if not self._selected:
                self._stopped.wait(_POLL_SECONDS)
        raise StopIteration


def open_datastore(database_url: str) -> PostgresDatastore:
    """The library's way to the database, with the settings that our tables need. Connects at first use."""
    parts = conninfo_to_dict(database_url)
    return PostgresDatastore(
        dbname=str(parts.get("dbname", "")),
        host=str(parts.get("host", "")),
        port=str(parts.get("port", "")),
        user=str(parts.get("user", "")),
        password=str(parts.get("password", "")),
        originator_id_type="text",
        single_row_tracking=True,
    )


def create_tables(database_url: str) -> None:
    """Makes what is missing of the log's tables and puts the append function in place.

    Safe to repeat, and when several processes start at once.
    """
    with psycopg.connect(database_url, connect_timeout=5, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_SCHEMA_LOCK,))
        with open_datastore(database_url) as datastore:
            LogRecorder(datastore).create_table()
            PostgresAggregateRecorder(datastore, events_table_name="onethread_snapshots").create_table()


def _composed(statement: str) -> Composed:
    # Text that this package ships; nothing from outside is ever made part of it.
    return Composed([SQL(statement)])
