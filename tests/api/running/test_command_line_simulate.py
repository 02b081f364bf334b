"""`onethread simulate` on a stored log: it proves itself, compares, draws, and refuses what it cannot understand."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from api.command_line.comparison import SIMPLIFIED
from api.settings import Settings, decode_keys
from application.log import Appended, Context, Fact, Write
from domain.assignment import ConversationOffered
from domain.event import Recorded
from infrastructure.embedded.servers import Servers
from infrastructure.log.postgres_log import PostgresLog
from tests.api.running.test_command_line import Terminal, environment_of
from tests.application.situations import Clock
from tests.application.whatif.situations import a_history, opening_log, played
from tests.databases import an_empty_database
from tests.scenarios.serving import settings_for

QUEUES, AGENTS = {"queue-returns": {"returns": 3}}, [{"returns": 5}, {"returns": 3}]
QUICK = ("--replications", "2", "--workers", "1")


def a_log() -> list[Recorded]:
    """An hour of a small center, with every decision as the engine took it."""
    history = a_history(
        queues=QUEUES, agents=AGENTS, per_second=1 / 60, contacts=40, handling_seconds=100.0, patience_seconds=90.0
    )
    return [*opening_log(QUEUES, AGENTS), *played(history)[1]]


async def store(settings: Settings, log: list[Recorded]) -> None:
    """Each event at the time at which it happened, so that positions and times are those of the log."""
    clock, versions = Clock(), dict[str, int]()
    async with PostgresLog(settings.database_url, decode_keys(settings).master_keys, clock) as stored:
        for recorded in log:
            clock.now = recorded.recorded_at
            version = versions.get(recorded.stream, 0)
            write = Write(recorded.stream, version, [Fact(recorded.event, recorded.recorded_at)])
            outcome = await stored.append([write], context=Context(recorded.actor))
            assert isinstance(outcome, Appended)
            assert outcome.positions[0] == recorded.position
            versions[recorded.stream] = version + 1


@pytest.fixture(scope="module")
def settings(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A deployment with that log."""
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        made = settings_for(database_url, addresses.nats_url, tmp_path_factory.mktemp("simulate"))
        asyncio.run(store(made, a_log()))
        yield made


@pytest.fixture
def terminal(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(environment_of(settings) | {"COLUMNS": "120"}, monkeypatch, capsys)


def test_without_a_change_every_decision_is_proven_identical(terminal: Terminal) -> None:
    said = terminal.done("simulate", *QUICK)

    offers = sum(isinstance(recorded.event, ConversationOffered) for recorded in a_log())
    assert said.lines[0] == f"{offers} of {offers} decisions identical."
    assert "as it was" in said.lines[1]
    assert "what if" not in said.lines[1]


def test_other_rules_and_agents_are_compared_in_a_table_a_file_and_a_picture(
    terminal: Terminal, tmp_path: Path
) -> None:
    policy, figures, picture = tmp_path / "policy.yaml", tmp_path / "figures.json", tmp_path / "week.svg"
    policy.write_text("policy: {offer_timeout_seconds: 40}\nqueues: {queue-returns: {service_level_seconds: 30}}\n")

    said = terminal.done(
        "simulate", "--policy", str(policy), "--agents", "+1:returns=5", *QUICK,
        "--json", str(figures), "--plot", str(picture),
    )  # fmt: skip

    assert "what if" in said.lines[0]
    assert any(line.split()[:1] == ["occupancy"] for line in said.lines)
    written = msgspec.json.decode(figures.read_bytes())
    assert written["targets"] == {"queue-returns": 30.0}
    assert 0 <= written["work_without_end"] < 1
    assert written["change"][""]["mean_wait_seconds"]["mean"] < 0
    assert picture.read_text().startswith("<svg")


def test_what_is_simplified_is_said_beside_the_figures_and_in_the_help(terminal: Terminal) -> None:
    for said in (terminal.done("simulate", *QUICK), terminal.done("simulate", "--help")):
        assert SIMPLIFIED in " ".join(said.out.split())


def test_a_policy_that_serves_nobody_is_warned_of_and_looks_no_better(terminal: Terminal, tmp_path: Path) -> None:
    policy, figures = tmp_path / "policy.yaml", tmp_path / "figures.json"
    policy.write_text("queues: {queue-returns: {service_level_seconds: 30, required_skills: {returns: 9}}}\n")

    said = terminal.done("simulate", "--policy", str(policy), *QUICK, "--json", str(figures))

    assert "this policy would be refused" in said.err
    assert "nobody has 'returns' at level 9; the highest is 5" in said.err
    written = msgspec.json.decode(figures.read_bytes())
    assert [one["path"] for one in written["policy_problems"]] == ["queues.queue-returns.required_skills.returns"]
    assert written["what_if"][""]["service_level"]["mean"] == 0.0
    assert written["change"][""]["waiting_share"]["mean"] > 0


def test_a_part_of_the_time_can_be_simulated(terminal: Terminal, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    said = terminal.done(
        "simulate", "--from", "2026-11-11T12:10", "--to", "2026-11-11T13:20+01:00", *QUICK, "--json", str(figures)
    )

    identical, _, due, *_ = said.lines[0].split()
    assert identical == due != "0"
    written = msgspec.json.decode(figures.read_bytes())
    assert (written["since"], written["until"]) == ("2026-11-11T12:10:00Z", "2026-11-11T12:20:00Z")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--agents", "-Maria"), "nobody is called Maria"),
        (("--from", "2030-01-01"), "no contact came in this time"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(terminal: Terminal, arguments: tuple[str, ...], says: str) -> None:
    said = terminal.run("simulate", *arguments, *QUICK)

    assert said.status == 1
    assert says in said.err
    assert "Traceback" not in said.err


def test_a_policy_that_cannot_be_read_is_told_with_every_place(terminal: Terminal, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("policy:\n  priority_bost_seconds: 1\n  offer_timeout_seconds: soon\n")

    said = terminal.run("simulate", "--policy", str(policy), *QUICK)

    assert said.status == 1
    assert "policy.yaml:2:" in said.err
    assert "policy.yaml:3:" in said.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--plot", "week.png"), "let it end with .svg"),
        (("--json", "/nonexistent/figures.json"), "there is no directory /nonexistent"),
        (("--plot", "/nonexistent/week.svg"), "there is no directory /nonexistent"),
        (("--from", "yesterday"), "is no time"),
        (("--from", "2026-11-12", "--to", "2026-11-11"), "later than --from"),
    ],
)
def test_a_wrong_call_is_told_before_anything_is_read(
    terminal: Terminal, arguments: tuple[str, ...], says: str
) -> None:
    said = terminal.run("simulate", *arguments)

    assert said.status == 2
    assert says in said.err


def test_a_log_whose_decision_was_altered_ends_with_status_1(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = a_log()
    place = [nth for nth, one in enumerate(log) if isinstance(one.event, ConversationOffered)][3]
    event = log[place].event
    assert isinstance(event, ConversationOffered)
    other = "agent-001" if event.agent_id == "agent-000" else "agent-000"
    log[place] = msgspec.structs.replace(log[place], event=msgspec.structs.replace(event, agent_id=other))
    with an_empty_database(servers.addresses.database_url) as database_url:
        settings = settings_for(database_url, servers.addresses.nats_url, tmp_path)
        asyncio.run(store(settings, log))

        said = Terminal(environment_of(settings), monkeypatch, capsys).run("simulate", *QUICK)

    assert said.status == 1
    assert "after 3 of " in said.err
    assert f"the one at position {log[place].position} comes out otherwise" in said.err
