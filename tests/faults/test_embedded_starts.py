"""A start of the embedded servers survives what it finds, or refuses with a sentence that says what to do."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infrastructure.embedded.account import account_for
from infrastructure.embedded.postgres import Postgres, programs
from infrastructure.embedded.servers import embedded_servers
from infrastructure.embedded.sharing import CannotStart, Place
from tests.faults.embedded import a_directory, a_user, answers, is_stopped, kill_user_and_keeper
from tests.waiting import wait_until


def test_a_stale_pid_file_does_not_stop_a_start_even_if_its_number_is_taken_again(home: Path) -> None:
    with embedded_servers(home, nats=False):
        pass
    data = home / "postgres" / "data"
    account = account_for(data, programs())
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, cwd="/", **account.identity) as another_program:
        pid_file = data / "postmaster.pid"
        pid_file.write_text(f"{another_program.pid}\n{data}\n1700000000\n5432\n/nowhere\n\n  0 0\nready\n")
        account.give(pid_file)

        with embedded_servers(home, nats=False) as servers:
            assert answers(servers.addresses.database_url)

        assert another_program.poll() is None
        another_program.communicate()


def test_a_data_directory_served_by_hand_is_refused(home: Path) -> None:
    with embedded_servers(home, nats=False):
        pass
    by_hand = Postgres(Place(home / "postgres"))
    with Path(os.devnull).open() as no_lock, by_hand.start(no_lock.fileno()) as postmaster:
        wait_until(by_hand.accepts, what="the server started by hand answers")

        with pytest.raises(CannotStart, match="started by hand"), embedded_servers(home, nats=False):
            pass

        assert by_hand.accepts()
        postmaster.send_signal(signal.SIGINT)


def test_a_first_start_that_was_killed_half_way_is_begun_anew() -> None:
    with a_directory() as directory:
        place = Place(directory / "postgres")
        with a_user(directory) as user:
            wait_until((place.root / "data.draft" / "PG_VERSION").exists, what="the first start is half-way")
            kill_user_and_keeper(user, place)
        assert not (place.root / "data").exists()

        with embedded_servers(directory) as servers:
            assert answers(servers.addresses.database_url)


def test_a_data_directory_of_another_major_version_is_refused() -> None:
    with a_directory() as directory:
        data = directory / "postgres" / "data"
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text("17\n")

        with (
            pytest.raises(CannotStart, match=r"made by PostgreSQL 17, and this is PostgreSQL 18"),
            embedded_servers(directory),
        ):
            pass

        assert is_stopped(directory)


def test_a_server_that_cannot_start_says_why_with_the_end_of_its_log() -> None:
    with a_directory() as directory:
        data = directory / "postgres" / "data"
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text("18\n")

        with (
            pytest.raises(CannotStart, match=r"does not start; its log .*server\.log ends with"),
            embedded_servers(directory),
        ):
            pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as somebody else")
def test_root_may_keep_the_data_where_nobody_else_can_pass() -> None:
    with a_directory() as directory:
        directory.parent.chmod(0o700)

        with embedded_servers(directory, nats=False) as servers:
            assert answers(servers.addresses.database_url)

        assert directory.parent.stat().st_mode & 0o777 == 0o700


def test_a_start_tells_how_it_goes(home: Path) -> None:
    told: list[str] = []
    remember: Callable[[str], None] = told.append

    with embedded_servers(home, nats=False, tell=remember):
        pass

    assert told[-1] == "PostgreSQL is ready"
