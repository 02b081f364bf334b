"""Empty databases for tests, made and dropped by the application's own role."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

CREATE = SQL("CREATE DATABASE {name} TEMPLATE template0")
# Not WITH (FORCE): our role may not end the autovacuum worker that could be there. A plain DROP waits for it.
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
DROP = SQL("DROP DATABASE {name}")


@contextmanager
def an_empty_database(server_url: str) -> Iterator[str]:
    """The URL of a new database on the same server; it is dropped afterwards, open sessions or not."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(CREATE.format(name=Identifier(name)))
    yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(TERMINATE, (name,))
        connection.execute(DROP.format(name=Identifier(name)))
