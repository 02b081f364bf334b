"""Tables are made by one process at a time, as the log's are: `IF NOT EXISTS` alone fails when two begin at once."""

from typing import LiteralString

import psycopg
from psycopg.sql import SQL

from application.log import LogUnreachable

_LOCK = "SELECT pg_advisory_lock(%s)"
_LOCK_NUMBER = 0x6F6E_6574_6872_6561  # the log's own


def create_table(database_url: str, statement: LiteralString) -> None:
    """Runs the statement, which does nothing where the table is there. Raises LogUnreachable."""
    try:
        with psycopg.connect(database_url, connect_timeout=5, autocommit=True) as connection:
            connection.execute(_LOCK, (_LOCK_NUMBER,))
            connection.execute(SQL(statement))
    except psycopg.OperationalError as error:
        raise LogUnreachable(str(error)) from error
