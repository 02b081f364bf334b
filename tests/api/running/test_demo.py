"""The demo, as a newcomer runs it: a burst on a directory of its own, and nothing goes wrong."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHANNELS = {"whatsapp", "email", "webchat", "adapter", "phone"}
RACES = {"404", "409"}
"""Two people act on one thing: the later one is told so."""


@dataclass(frozen=True)
class Demo:
    """What a run came to."""

    status: int
    out: str
    server_log: str

    def row(self, label: str) -> int:
        """The number beside a label of the summary; 0 where it is not there."""
        found = re.search(rf"^ *{re.escape(label)} +([\d,]+) *$", self.out, re.MULTILINE)
        return int(found[1].replace(",", "")) if found else 0


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    directory = tmp_path_factory.mktemp("demo")
    for folder in (directory, *list(directory.parents)[:1]):
        folder.chmod(0o711)  # under root, PostgreSQL runs as somebody else, who must get to its data
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ONETHREAD_", "DATABASE_"))}
    environment |= {"ONETHREAD_DATA_DIRECTORY": str(directory / "kept"), "COLUMNS": "160"}
    command = [sys.executable, "-m", "api.command_line", "demo", "--seconds", "6", "--fast"]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
        check=False,
    )
    return Demo(run.returncode, run.stdout, (directory / "kept" / "demo-server.log").read_text())


def test_the_demo_ends_by_itself_and_nothing_goes_wrong(demo: Demo) -> None:
    assert demo.status == 0, demo.out
    assert "Traceback" not in demo.out + demo.server_log
    assert '"level":"error"' not in demo.server_log
    assert set(re.findall(r"answers (\d+)", demo.out)) <= RACES, demo.out


def test_all_five_channels_are_taken_in(demo: Demo) -> None:
    taken_in = {channel: demo.row(f"messages taken in, {channel}") for channel in CHANNELS}

    assert all(taken_in.values()), demo.out
    assert demo.row("events in the log") > sum(taken_in.values())


def test_agents_answer_by_chat_and_mail_and_close(demo: Demo) -> None:
    assert demo.row("replies by agents"), demo.out
    assert demo.row("of these sent as mail"), demo.out
    assert demo.row("conversations closed"), demo.out
    assert "frame on an agent's socket" in demo.out


def test_the_demo_says_how_to_look_at_what_it_stored(demo: Demo) -> None:
    assert all(told in demo.out for told in (" serve ", "onethread replay --last 20", "'grace'", "'demo password'"))
