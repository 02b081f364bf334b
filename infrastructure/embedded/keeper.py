"""The process that supervises one embedded server: starts it, again whenever it dies, and stops it when nobody uses it.

A process of its own, because the server must outlive whichever of its users came first, and must not outlive the last,
even one that was killed. Started by `servers` as `python -m infrastructure.embedded.keeper postgres DIRECTORY`.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from signal import Signals
from typing import Protocol

from infrastructure.embedded.nats import Nats
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.sharing import CannotStart, Phase, Place, Report, is_held, opened, try_lock, wait_for_lock

TICK_SECONDS = 0.05
STOP_SECONDS_MAX = 60.0
FORCED_STOP_SECONDS_MAX = 10.0
RESTART_PAUSE_SECONDS = 1.0
ATTEMPTS_MAX = 3  # before it was ever ready; a server that once was is started again for ever
LOG_BYTES_MAX = 10_000_000  # at a start; then the log is put aside and a new one begun
KEEPER_LOCK_SECONDS_MAX = 5.0


class Server(Protocol):
    """What a keeper must know of a server. Another way to get one, such as a system PostgreSQL, implements this."""

    title: str
    stop_signal: Signals
    force_signal: Signals

    @property
    def address(self) -> str:
        """Where clients connect; the same for as long as the server is used."""

    @property
    def pid(self) -> int | None:
        """The process to send signals to, as the server itself noted it down."""

    def prepare(self, hold: int) -> None:
        """Makes everything that the first start needs. Safe to repeat, also after it was killed. Raises CannotStart."""

    def start(self, hold: int) -> "subprocess.Popen[bytes]":
        """Starts the server, which inherits the descriptor `hold`."""

    def accepts(self) -> bool:
        """Whether clients can work now."""

    def tidy_up(self) -> None:
        """Removes what the stopped server leaves outside its place."""


SERVERS: dict[str, type[Postgres] | type[Nats]] = {"postgres": Postgres, "nats": Nats}


class Keeper:
    """Keeps one server alive for as long as somebody holds its users' lock."""

    def __init__(self, server: Server, place: Place) -> None:
        self._server = server
        self._place = place
        self._child: subprocess.Popen[bytes] | None = None
        self._is_prepared = False
        self._is_ready = False
        self._was_ready = False
        self._attempts = 0  # since it was last ready
        self._started_at = time.monotonic()

    def keep(self, users: int) -> None:
        """Returns when the last user has left and the server has stopped. Raises CannotStart."""
        while not try_lock(users):
            # A keeper before us may have been killed: what it started, and still runs, is taken over as it is.
            if not is_held(self._place.process):
                self._start()
            elif not self._is_ready:
                self._look_whether_ready()
            if self._child is not None:
                self._child.poll()  # takes the dead off the process table
            time.sleep(TICK_SECONDS)
        self._say(Phase.STOPPING, "is stopping")
        self._stop()

    def _start(self) -> None:
        if self._attempts >= ATTEMPTS_MAX and not self._was_ready:
            raise CannotStart(
                f"{self._server.title} does not start; its log {self._place.log} ends with:\n{self._last_words()}"
            )
        if self._attempts:
            time.sleep(RESTART_PAUSE_SECONDS)
        self._attempts += 1
        self._is_ready = False
        self._started_at = time.monotonic()
        self._put_long_log_aside()
        with opened(self._place.process) as hold:
            if not wait_for_lock(hold, seconds_max=TICK_SECONDS):
                return
            if not self._is_prepared:
                self._say(Phase.STARTING, "is being prepared")
                self._server.prepare(hold)
                self._is_prepared = True
            self._child = self._server.start(hold)

    def _look_whether_ready(self) -> None:
        if self._server.accepts():
            self._is_ready = self._was_ready = True
            self._attempts = 0
            self._say(Phase.READY, "is ready", address=self._server.address)
            return
        seconds = int(time.monotonic() - self._started_at)
        if seconds % 5 == 0:
            waited = f", {seconds} s so far; after a crash it recovers first" if seconds else ""
            self._say(Phase.STARTING, f"is starting{waited}")

    def _stop(self) -> None:
        if self._signal_and_wait(self._server.stop_signal, STOP_SECONDS_MAX):
            return
        self._signal_and_wait(self._server.force_signal, FORCED_STOP_SECONDS_MAX)

    def _signal_and_wait(self, stop: Signals, seconds_max: float) -> bool:
        """Whether the server is gone in time; the signal is repeated, for the first may come before it can be heard."""
        deadline = time.monotonic() + seconds_max
        with opened(self._place.process) as hold:
            while not try_lock(hold):
                pid = self._server.pid
                if pid is not None and (self._child is None or self._child.poll() is None):
                    with suppress(ProcessLookupError):  # it went by itself meanwhile
                        os.kill(pid, stop)
                if wait_for_lock(hold, seconds_max=1.0):
                    break
                if time.monotonic() > deadline:
                    return False
        if self._child is not None:
            self._child.wait()
        return True

    def _say(self, phase: Phase, what: str, *, address: str = "") -> None:
        report = Report(phase=phase, sentence=f"{self._server.title} {what}", address=address)
        if report != self._place.report():
            self._place.publish(report)

    def _put_long_log_aside(self) -> None:
        if self._place.log.exists() and self._place.log.stat().st_size > LOG_BYTES_MAX:
            self._place.log.replace(self._place.log.with_suffix(".log.1"))

    def _last_words(self) -> str:
        return "\n".join(self._place.log.read_text(errors="replace").splitlines()[-5:])


def main(kind: str, directory: str) -> None:
    """Returns to the caller once this keeper holds its lock, and goes on in the background."""
    place = Place(Path(directory))
    # The keeper's lock is dropped before the users' one, or a newcomer would count on a keeper that is about to end.
    with opened(place.users) as users, opened(place.keeper) as lock:
        if not wait_for_lock(lock, seconds_max=KEEPER_LOCK_SECONDS_MAX):
            return  # another keeper was faster
        place.publish(Report(phase=Phase.STARTING, sentence=f"{kind} is starting"))
        if os.fork():
            os._exit(0)
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        os.setsid()  # Ctrl-C in a user's terminal is not meant for us
        try:
            server = SERVERS[kind](place)
            try:
                Keeper(server, place).keep(users)
            finally:
                server.tidy_up()
        except Exception as error:
            place.publish(Report(phase=Phase.FAILED, sentence=str(error) or repr(error)))
            raise


if __name__ == "__main__":
    main(*sys.argv[1:])
