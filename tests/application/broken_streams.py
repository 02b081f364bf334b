"""Streams that nobody can read: an event is altered in the database, and set right again, or the key is gone."""

import psycopg

from tests.application.situations import Shop

SPOIL = "UPDATE onethread_events SET state = state || '\\x00' WHERE originator_id = %s AND originator_version = %s"
MEND = """UPDATE onethread_events SET state = substr(state, 1, length(state) - 1)
    WHERE originator_id = %s AND originator_version = %s"""
FORGET = "DELETE FROM onethread_stream_keys WHERE stream = %s"


def spoil(shop: Shop, stream: str, version: int = 1) -> None:
    """Who remembers the stream's state does not notice; another process does."""
    _change(shop, SPOIL, stream, version)


def mend(shop: Shop, stream: str, version: int = 1) -> None:
    """What `spoil` did is undone."""
    _change(shop, MEND, stream, version)


def forget(shop: Shop, stream: str) -> None:
    """As an erasure does: what it says can never be read again."""
    _change(shop, FORGET, stream)


def _change(shop: Shop, statement: str, *parameters: object) -> None:
    with psycopg.connect(shop.url) as connection:
        assert connection.execute(statement, parameters).rowcount == 1
