"""The demo, as a newcomer runs it: a burst on a directory of its own, and nothing goes wrong."""

import io
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from api.demo.opening import Shop
from api.demo.scene import Scene
from api.demo.screen import Screen
from api.demo.shop import AGENTS, FEATURED, QUEUES

ROOT = Path(__file__).parents[3]
HOOKS = {"whatsapp", "messenger", "instagram", "telegram", "line", "wechat", "wecom", "x", "sms"}
CHANNELS = HOOKS | {"email", "webchat", "adapter", "phone"}
AMENDMENTS = ("edit", "reaction", "unsend")
MEDIA_ANSWERED_MIN = 6
"""Of eleven: in so few seconds, on a busy machine, chance leaves one or another out."""
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SECONDS = (6, 20, 60)
"""How long it runs; again, and longer, only where the machine was too busy for everybody to get their turn."""
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

    @property
    def saw_everything(self) -> bool:
        """Whether there was time for each channel, an amendment, a receipt and a close."""
        taken_in = [self.row(f"messages taken in, {channel}") for channel in CHANNELS]
        amended = sum(self.row(f"{what}s of customers") for what in AMENDMENTS)
        answered = sum(self.row(f"replies out, {channel}") > 0 for channel in CHANNELS) >= MEDIA_ANSWERED_MIN
        routed = self.row("steps of the queues' timetables"), self.row("promises told to customers")
        pictures = self.row("pictures from customers, email"), self.row("pictures to customers, email")
        others = (*pictures, amended, self.row("receipts of what was sent"), self.row("conversations closed"), *routed)
        return answered and all(taken_in) and all(others)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    shortest, *longer = SECONDS
    run = a_run(tmp_path_factory.mktemp("demo"), shortest)
    for seconds in longer:
        if not run.saw_everything:
            run = a_run(tmp_path_factory.mktemp("demo"), seconds)
    return run


def a_run(directory: Path, seconds: int) -> Demo:
    for folder in (directory, *list(directory.parents)[:1]):
        folder.chmod(0o711)  # under root, PostgreSQL runs as somebody else, who must get to its data
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ONETHREAD_", "DATABASE_"))}
    environment |= {"ONETHREAD_DATA_DIRECTORY": str(directory / "kept"), "COLUMNS": "160"}
    environment |= {"LINES": "50", "FORCE_COLOR": "1"}  # so that the live screen is drawn, as for a person
    command = [sys.executable, "-m", "api.command_line", "demo", "--seconds", str(seconds), "--fast"]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90 + seconds,
        check=False,
    )
    return Demo(run.returncode, ESCAPES.sub("", run.stdout), (directory / "kept" / "demo-server.log").read_text())


def test_the_demo_ends_by_itself_and_nothing_goes_wrong(demo: Demo) -> None:
    assert demo.status == 0, demo.out
    assert "Traceback" not in demo.out + demo.server_log
    assert '"level":"error"' not in demo.server_log
    assert all(agent.name in demo.out for agent in AGENTS), "the live screen shows who works"
    assert set(re.findall(r"answers (\d+)", demo.out)) <= RACES, demo.out


def test_all_thirteen_channels_are_taken_in(demo: Demo) -> None:
    taken_in = {channel: demo.row(f"messages taken in, {channel}") for channel in CHANNELS}

    assert all(taken_in.values()), demo.out
    assert demo.row("events in the log") > sum(taken_in.values())


def test_one_customer_is_one_thread_whatever_the_channel(demo: Demo) -> None:
    assert demo.row(f"media in one thread, {FEATURED.name}") == len(CHANNELS - {"webchat"}), demo.out


def test_agents_answer_on_the_channel_and_close(demo: Demo) -> None:
    out = {channel: demo.row(f"replies out, {channel}") for channel in HOOKS | {"webchat", "email"}}

    assert demo.row("replies by agents"), demo.out
    assert len([channel for channel, number in out.items() if number]) >= MEDIA_ANSWERED_MIN, demo.out
    assert demo.row("conversations closed"), demo.out
    assert "frame on an agent's socket" in demo.out


def test_customers_amend_what_they_wrote_and_receive_what_is_sent(demo: Demo) -> None:
    assert sum(demo.row(f"{what}s of customers") for what in AMENDMENTS), demo.out
    assert demo.row("receipts of what was sent"), demo.out


def test_pictures_come_and_go_and_stand_in_the_thread(demo: Demo) -> None:
    thread = demo.out.partition("The end of one thread")[2]

    assert demo.row("pictures from customers, email"), demo.out
    assert demo.row("pictures to customers, email"), demo.out
    assert re.search(r"email +← .*\[what-arrived\.png\]", thread), demo.out


def test_the_demo_routes_by_a_document_and_explains_one_decision(demo: Demo) -> None:
    assert "demo-routing.yaml stands as number 1 of the routing: it changed policy, International" in demo.out
    assert demo.row("steps of the queues' timetables"), demo.out
    told = demo.row("promises told to customers")
    assert 0 < told <= demo.row("overflows with a promise"), demo.out
    assert "$ onethread explain offer-" in demo.out
    assert "Recomputed from the log: the same winner." in demo.out


def test_the_screen_shows_every_channel_on_a_small_terminal() -> None:
    shop = Shop(
        queues=dict.fromkeys(QUEUES, ""),
        accounts={},
        agents={},
        customers={},
        adapter_key="",
        auditor_key="",
        key_ids=[],
    )
    console = Console(width=80, height=24, file=io.StringIO())
    scene = Scene(taken_in=Counter(dict.fromkeys(CHANNELS, 12_345)))

    console.print(Screen(scene, shop).draw())
    assert isinstance(console.file, io.StringIO)
    drawn = console.file.getvalue()

    assert drawn.count("12,345") == len(CHANNELS)
    assert all(channel in drawn for channel in CHANNELS)
    assert len(drawn.splitlines()) == 24


def test_the_demo_says_how_to_look_at_what_it_stored(demo: Demo) -> None:
    assert all(told in demo.out for told in (" serve ", "onethread replay --last 20", "'grace'", "'demo password'"))
