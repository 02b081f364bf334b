"""Empty databases for tests, made and dropped by the application's own role."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

CREATE = SQL("CREATE DATABASE {name} TEMPLATE template0")
DROP = SQL("DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def an_empty_database(server_url: str) -> Iterator[str]:
    """The URL of a new database on the same server; it is dropped afterwards, open sessions or not."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(CREATE.format(name=Identifier(name)))
    yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(DROP.format(name=Identifier(name)))
