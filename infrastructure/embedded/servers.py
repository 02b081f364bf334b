"""The door to the embedded servers: say which you need and where their data lives; use them while the context lasts."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infrastructure.embedded.keeper import FORCED_STOP_SECONDS_MAX, SERVERS, STOP_SECONDS_MAX
from infrastructure.embedded.sharing import (
    POLL_SECONDS,
    CannotStart,
    Phase,
    Place,
    is_held,
    opened,
    try_lock,
    wait_for_lock,
)

START_SECONDS_MAX = 600.0  # a crash recovery may have gigabytes of log to replay
KEEPER_START_SECONDS_MAX = 30.0
WATCH_SECONDS = 0.5
# Whoever comes while the last user leaves waits for the server to stop, and starts it again.
LEAVE_SECONDS_MAX = STOP_SECONDS_MAX + FORCED_STOP_SECONDS_MAX + 5.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Addresses:
    """Where the servers are; empty for one that was not asked for."""

    database_url: str
    nats_url: str


@dataclass(frozen=True)
class Servers:
    """The servers in use: their addresses, and for tests of faults a way to kill them."""

    addresses: Addresses
    directory: Path

    def kill_postgres(self) -> int:
        """Sends SIGKILL to the postmaster and returns its pid; supervision starts it again on the same address."""
        return self._kill("postgres")

    def kill_nats(self) -> int:
        """Sends SIGKILL to the NATS server and returns its pid; supervision starts it again on the same address."""
        return self._kill("nats")

    def _kill(self, kind: str) -> int:
        pid = SERVERS[kind](Place(self.directory / kind)).pid
        if pid is None:
            raise ProcessLookupError(f"no {kind} server runs in {self.directory}")
        os.kill(pid, signal.SIGKILL)
        return pid


@contextmanager
def embedded_servers(
    directory: Path, *, postgres: bool = True, nats: bool = True, tell: Callable[[str], None] = _logger.info
) -> Iterator[Servers]:
    """Real servers with their data under `directory`, shared with every other process that uses the same directory.

    The last process to leave stops them and waits until they have stopped; when the last was killed, they stop by
    themselves. `tell` gets a sentence whenever a start makes progress. Raises CannotStart.
    """
    directory = directory.resolve()
    wanted = [kind for kind, is_wanted in (("postgres", postgres), ("nats", nats)) if is_wanted]
    with ExitStack() as stack:
        # All are started before the first is waited for.
        joined = {kind: stack.enter_context(_joined(kind, Place(directory / kind))) for kind in wanted}
        found = {kind: _address_when_ready(kind, place, tell) for kind, place in joined.items()}
        yield Servers(Addresses(found.get("postgres", ""), found.get("nats", "")), directory)


@contextmanager
def _joined(kind: str, place: Place) -> Iterator[Place]:
    """While this lasts we count as a user, and somebody keeps the server alive."""
    try:
        place.make()
        users = os.open(place.users, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise CannotStart(f"{place.root} belongs to another user ({error}): choose another data directory") from error
    over = threading.Event()
    watch = threading.Thread(target=_watch_the_keeper, args=(kind, place, over), name=f"watch-{kind}", daemon=True)
    try:
        if not wait_for_lock(users, shared=True, seconds_max=LEAVE_SECONDS_MAX):
            raise CannotStart(
                f"the server in {place.root} is stopping and does not come to an end: look at {place.log}"
            )
        _ensure_a_keeper(kind, place)
        watch.start()
        yield place
    finally:
        over.set()
        if watch.ident is not None:
            watch.join()
        _leave(kind, place, users)


def _ensure_a_keeper(kind: str, place: Place) -> None:
    """A keeper is at work on return, whoever started it."""
    with opened(place.turn) as turn:
        if not wait_for_lock(turn, seconds_max=LEAVE_SECONDS_MAX):
            raise CannotStart(f"another process has been starting or stopping the server in {place.root} for too long")
        if not is_held(place.keeper):
            place.forget_report()
            _start_a_keeper(kind, place)


def _start_a_keeper(kind: str, place: Place) -> None:
    """For whoever has the turn and found that no keeper is at work."""
    with (place.root / "keeper.log").open("wb") as log:
        begun = subprocess.run(
            [sys.executable, "-m", "infrastructure.embedded.keeper", kind, str(place.root)],
            cwd=Path(__file__).parents[2],  # where the package is, installed or not
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=KEEPER_START_SECONDS_MAX,
            check=False,
        )
    if begun.returncode != 0:
        raise CannotStart(f"the keeper of {place.root} does not start; {place.root / 'keeper.log'} says why")


def _address_when_ready(kind: str, place: Place, tell: Callable[[str], None]) -> str:
    told = ""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        is_kept = is_held(place.keeper)  # asked before the report is read, or a keeper could fail in between
        report = place.report()
        if report is not None and report.sentence != told:
            told = report.sentence
            tell(told)
        if report is not None and report.phase is Phase.READY and is_kept:
            return report.address
        if report is not None and report.phase is Phase.FAILED:
            raise CannotStart(report.sentence)
        time.sleep(POLL_SECONDS)
    raise CannotStart(f"{kind} in {place.root} was not ready after {START_SECONDS_MAX:.0f} s: look at {place.log}")


def _watch_the_keeper(kind: str, place: Place, over: threading.Event) -> None:
    """A keeper that was killed is replaced; the new one takes the running server over."""
    while not over.wait(WATCH_SECONDS):
        report = place.report()
        if not is_held(place.keeper) and not (report is not None and report.phase is Phase.FAILED):
            _logger.warning("the keeper of %s died: starting another", place.root)
            _ensure_a_keeper(kind, place)


def _leave(kind: str, place: Place, users: int) -> None:
    """Counts us out; whoever is last waits here until the server has stopped. One at a time, so that one *is* last."""
    with opened(place.turn) as turn:
        wait_for_lock(turn, seconds_max=LEAVE_SECONDS_MAX)
        os.close(users)
        deadline = time.monotonic() + LEAVE_SECONDS_MAX
        while not _has_users(place):
            if not is_held(place.keeper):
                if not is_held(place.process):
                    return
                _start_a_keeper(kind, place)  # its keeper died just now, and nobody else would stop the server
            if time.monotonic() > deadline:
                _logger.error("the server in %s does not stop: look at %s", place.root, place.log)
                return
            time.sleep(POLL_SECONDS)


def _has_users(place: Place) -> bool:
    """Whether somebody shares the users' lock: it can be taken shared then, but not exclusively."""
    with opened(place.users) as users:
        return not try_lock(users) and try_lock(users, shared=True)
