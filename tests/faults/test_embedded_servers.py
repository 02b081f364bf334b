"""The embedded servers come back from whatever kills them, are shared, and are stopped by the last who leaves."""

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import nats
import psycopg

from infrastructure.embedded.servers import Servers, embedded_servers
from infrastructure.embedded.sharing import Place, is_held
from tests.faults.embedded import (
    a_user,
    addresses_told_by,
    answers,
    is_stopped,
    keeper_pid,
    kill_user_and_keeper,
    pid_of,
    stored_messages,
)
from tests.waiting import wait_until

RECOVERY_SECONDS_MAX = 30.0


def test_the_application_role_owns_its_database_and_is_not_a_superuser(servers: Servers) -> None:
    with psycopg.connect(servers.addresses.database_url) as connection:
        role = connection.execute(
            "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
        owner = connection.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        ).fetchone()

    assert role == ("onethread", False, True, False, False)
    assert owner == ("onethread",)


def test_the_database_is_durable_checked_and_sorts_alike_everywhere(servers: Servers) -> None:
    with psycopg.connect(servers.addresses.database_url) as connection:
        settings = connection.execute(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('data_checksums'),"
            " current_setting('server_encoding'), current_setting('listen_addresses')"
        ).fetchone()
        locale = connection.execute(
            "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = current_database()"
        ).fetchone()

    assert settings == ("on", "on", "on", "UTF8", "")
    assert locale == ("b", "C.UTF-8")


def test_each_test_database_is_empty_and_belongs_to_the_role(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        connection.execute("CREATE TABLE ours (id bigint)")

    assert tables == (0,)


def test_a_killed_postmaster_comes_back_on_its_address_with_what_was_committed(home: Path) -> None:
    with embedded_servers(home, nats=False) as servers:
        with psycopg.connect(servers.addresses.database_url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (id bigint)")
            connection.execute("INSERT INTO kept VALUES (1)")

        killed = servers.kill_postgres()

        wait_until(
            lambda: pid_of(home) not in {None, killed} and answers(servers.addresses.database_url),
            what="PostgreSQL answers again",
            seconds_max=RECOVERY_SECONDS_MAX,
        )
        with psycopg.connect(servers.addresses.database_url) as connection:
            assert connection.execute("SELECT id FROM kept").fetchall() == [(1,)]


def test_a_killed_nats_server_comes_back_on_its_port_with_what_was_stored(home: Path) -> None:
    with embedded_servers(home, postgres=False) as servers:
        assert stored_messages(servers.addresses.nats_url) == 1

        servers.kill_nats()

        def stored_again() -> bool:
            with suppress(OSError, nats.errors.Error):
                return stored_messages(servers.addresses.nats_url) == 2
            return False

        wait_until(stored_again, what="NATS answers again", seconds_max=RECOVERY_SECONDS_MAX)


def test_nats_refuses_a_client_without_the_token(servers: Servers) -> None:
    port = urlsplit(servers.addresses.nats_url).port

    with socket.create_connection(("127.0.0.1", port or 0)) as door, door.makefile("rb") as told:
        assert told.readline().startswith(b"INFO ")
        door.sendall(b"CONNECT {}\r\nPING\r\n")

        assert told.readline() == b"-ERR 'Authorization Violation'\r\n"


def test_two_processes_share_the_servers_and_the_last_one_stops_them(home: Path) -> None:
    with a_user(home) as first, a_user(home) as second:
        assert addresses_told_by(first) == addresses_told_by(second)

        first.communicate()
        with embedded_servers(home) as servers:
            assert answers(servers.addresses.database_url)
        assert not is_stopped(home)

        second.communicate()
        assert is_stopped(home)


def test_whoever_comes_while_the_last_user_leaves_gets_servers_that_run(home: Path) -> None:
    with a_user(home) as leaving:
        addresses_told_by(leaving)
        assert leaving.stdin is not None
        leaving.stdin.close()

        with embedded_servers(home) as servers:
            assert leaving.wait(timeout=RECOVERY_SECONDS_MAX) == 0
            assert answers(servers.addresses.database_url)


def test_servers_whose_only_user_was_killed_stop_by_themselves(home: Path) -> None:
    with a_user(home) as user:
        addresses_told_by(user)

        user.kill()

        wait_until(lambda: is_stopped(home), what="the servers stopped", seconds_max=RECOVERY_SECONDS_MAX)


def test_a_killed_keeper_is_replaced_and_the_server_runs_on(home: Path) -> None:
    place = Place(home / "postgres")
    with embedded_servers(home, nats=False) as servers, psycopg.connect(servers.addresses.database_url) as connection:
        killed = keeper_pid(place)

        os.kill(killed, signal.SIGKILL)

        wait_until(lambda: is_held(place.keeper) and keeper_pid(place) != killed, what="another keeper is at work")
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert is_stopped(home)


def test_a_user_who_leaves_right_after_the_keeper_was_killed_stops_the_server_all_the_same(home: Path) -> None:
    place = Place(home / "postgres")
    with embedded_servers(home, nats=False):
        os.kill(keeper_pid(place), signal.SIGKILL)

    assert is_stopped(home)


def test_a_start_after_everything_was_killed_takes_the_running_servers_over(home: Path) -> None:
    place = Place(home / "postgres")
    with a_user(home) as user:
        addresses_told_by(user)
        before = pid_of(home)
        kill_user_and_keeper(user, place)

    with embedded_servers(home, nats=False) as servers:
        assert answers(servers.addresses.database_url)
        assert pid_of(home) == before
    assert not is_held(place.process)
