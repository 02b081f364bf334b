"""Who may start and stop an embedded server: a handful of flock-ed files, for a killed process leaves none behind.

A server's place holds four locks, which the kernel drops when their holders die, however they die:

- `users.lock`   shared by every process that uses the server; a keeper that gets it exclusively knows nobody is left
- `keeper.lock`  held by the one process that supervises the server
- `turn.lock`    held while somebody decides whether a keeper must be started, or whether the last user is leaving
- `process.lock` inherited by the server and its children: it is free exactly when none of them lives
"""

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

POLL_SECONDS = 0.02


class CannotStart(Exception):
    """An embedded server cannot be started; the message says why, and what to do about it."""


class Phase(StrEnum):
    """How far a server is."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a keeper tells its server's users: `{"phase": "ready", "sentence": "PostgreSQL is ready", "address": "postgresql://..."}`."""

    phase: Phase
    sentence: str
    address: str = ""


@dataclass(frozen=True)
class Place:
    """The directory of one server: its data, its locks, its log and its keeper's last report."""

    root: Path

    @property
    def users(self) -> Path:
        return self.root / "users.lock"

    @property
    def keeper(self) -> Path:
        return self.root / "keeper.lock"

    @property
    def turn(self) -> Path:
        return self.root / "turn.lock"

    @property
    def process(self) -> Path:
        return self.root / "process.lock"

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    @property
    def digest(self) -> str:
        """A short name for this place: twelve hexadecimal digits, the same for the same path."""
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]

    def make(self) -> None:
        """The directory exists; others may pass through it, not look in (under root, PostgreSQL is such an other)."""
        self.root.mkdir(parents=True, exist_ok=True)
        if self.root.stat().st_uid == os.geteuid():
            self.root.chmod(0o711)

    def publish(self, report: Report) -> None:
        """Replaces the last report at once, never half; only our user can read it, for an address may hold a token."""
        draft = self.root / "report.draft"
        write_private(draft, msgspec.json.encode(report))
        draft.replace(self.root / "report.json")

    def report(self) -> Report | None:
        with suppress(FileNotFoundError):
            return msgspec.json.decode((self.root / "report.json").read_bytes(), type=Report)
        return None

    def forget_report(self) -> None:
        (self.root / "report.json").unlink(missing_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """A file that only our user can read, from its first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor to take locks with; closing it drops them."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Whether the lock is ours now; never waits."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            return False
        raise
    return True


def wait_for_lock(descriptor: int, *, seconds_max: float, shared: bool = False) -> bool:
    """Whether the lock became ours in time. Polls, because a blocking flock knows no time-out."""
    deadline = time.monotonic() + seconds_max
    while not try_lock(descriptor, shared=shared):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock exclusively. Takes it shared for an instant: who wants it must try twice."""
    with opened(path) as descriptor:
        return not try_lock(descriptor, shared=True)
