"""Situations for the tests of the embedded servers: directories, processes that use them, and questions to them."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nats
import psycopg

from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.servers import Addresses
from infrastructure.embedded.sharing import Place, is_held
from tests.waiting import wait_until


@contextmanager
def a_directory() -> Iterator[Path]:
    outside = Path(tempfile.mkdtemp(prefix="onethread-test-"))
    outside.chmod(0o711)
    try:
        yield outside / "Kundendaten für uns"
    finally:
        shutil.rmtree(outside)


@contextmanager
def a_user(directory: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.faults.servers_user", str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as user:
        try:
            yield user
        finally:
            user.kill()


def addresses_told_by(user: subprocess.Popen[str]) -> Addresses:
    assert user.stdout is not None
    return Addresses(**json.loads(user.stdout.readline()))


def answers(database_url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(database_url, connect_timeout=5) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)
    return False


def stored_messages(nats_url: str) -> int:
    """Stores one more message in a JetStream stream and returns how many there are."""

    async def ask() -> int:
        client = await nats.connect(nats_url, allow_reconnect=False)
        try:
            stream = client.jetstream()
            await stream.add_stream(name="kept", subjects=["kept"])
            await stream.publish("kept", b"message")
            return (await stream.stream_info("kept")).state.messages
        finally:
            await client.close()

    return asyncio.run(ask())


def is_stopped(directory: Path) -> bool:
    return not any(is_held(lock) for lock in directory.glob("*/process.lock"))


def keeper_pid(place: Place) -> int:
    """Of whoever has the keeper's lock; it is noted a moment after the lock was taken."""
    noted: list[str] = []

    def is_noted() -> bool:
        noted.append(place.keeper.read_text())
        return bool(noted[-1])

    wait_until(is_noted, what="the keeper has noted its pid")
    return int(noted[-1])


def kill_user_and_keeper(user: subprocess.Popen[str], place: Place) -> None:
    """Neither sees the other die, so neither can act on it."""
    user.send_signal(signal.SIGSTOP)
    os.kill(keeper_pid(place), signal.SIGKILL)
    user.kill()


def pid_of(directory: Path) -> int | None:
    return Postgres(Place(directory / "postgres")).pid
