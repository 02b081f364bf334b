"""`onethread policy`: documents are checked with places, applied, shown so that they apply back, and told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from api.composition import composed
from api.parts import Parts
from application.commands import Command
from infrastructure.embedded.servers import Servers
from tests.api.running.test_command_line import Terminal, environment_of
from tests.databases import an_empty_database
from tests.scenarios.serving import SetUp, set_up, settings_for

GOOD = """\
policy:
  units: {phone: 4}
queues:
  Returns:
    required_skills: {returns: 3}
    overflow: [{when: waited, limit: 300, to_queue: Anybody}]
  Anybody: {}
"""
BAD = """\
queues:
  Returns:
    required_skills: {lang:zh: 5, returns: 3}
    priority: 99
    overflow: [{when: waited, limit: 300, to_queue: Nobody}]
"""


@pytest.fixture(scope="module")
def shop(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    """A deployment with two agents, in which nothing has ever been served."""
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        made = set_up(settings_for(database_url, addresses.nats_url, tmp_path_factory.mktemp("policy")))
        uvloop.run(hired(made))
        yield made


async def hired(shop: SetUp) -> None:
    async def hire(parts: Parts, name: str) -> None:
        await parts.staff.register(Command(actor="test", at=parts.clock()), name, {"returns": 5}, 6)

    async with composed(shop.settings, readers=False) as parts:
        await hire(parts, "Mei")
        await hire(parts, "Kim")


@pytest.fixture
def terminal(shop: SetUp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(environment_of(shop.settings), monkeypatch, capsys)


def a_file(directory: Path, text: str, name: str = "routing.yaml") -> str:
    path = directory / name
    path.write_text(text)
    return str(path)


def test_a_document_goes_from_check_to_history_and_back(terminal: Terminal, tmp_path: Path) -> None:
    file = a_file(tmp_path, GOOD)

    checked = terminal.done("policy", "check", file)
    applied = terminal.done("policy", "apply", file, "--if-number", "0")
    again = terminal.done("policy", "apply", file)
    stale = terminal.refused("policy", "apply", a_file(tmp_path, "queues: {New: {}}"), "--if-number", "0")
    listed = terminal.done("policy", "history")

    assert checked.lines[0] == f"{file} can be applied: it would change policy, Anybody, Returns."
    assert applied.lines[0] == f"{file} stands as number 1: it changed policy, Anybody, Returns."
    assert again.lines[0] == f"Nothing to do: all of {file} stands already, at number 1."
    assert checked.lines[1] == applied.lines[1] == again.lines[1]
    assert stale == "onethread: it stands at revision 1, you expected 0"
    assert listed.lines[1].split()[0] == "1"
    assert "command-line" in listed.out


@pytest.mark.parametrize("form", ["--yaml", "--json"])
def test_what_is_shown_applies_back_to_the_same(terminal: Terminal, tmp_path: Path, form: str) -> None:
    terminal.done("policy", "apply", a_file(tmp_path, GOOD))

    shown = terminal.done("policy", "show", form)
    past = terminal.done("policy", "show", form, "--as-of", "1")
    checked = terminal.done("policy", "check", a_file(tmp_path, shown.out, "shown"))
    again = terminal.done("policy", "apply", a_file(tmp_path, shown.out, "shown"))

    assert shown.out == past.out
    assert "Returns" in shown.out
    assert checked.lines[-2].endswith("/shown can be applied: all of it stands already.")
    assert again.lines[0].startswith("Nothing to do: ")


def test_every_problem_is_a_line_with_its_place(terminal: Terminal, tmp_path: Path) -> None:
    file = a_file(tmp_path, BAD)

    for command in ("check", "apply"):
        said = terminal.run("policy", command, file)

        assert (said.status, said.out) == (1, "")
        assert said.err.splitlines() == [
            "Error: 3 problems",
            f"{file}:3:23: queues.Returns.required_skills.lang:zh: nobody has this skill",
            f"{file}:4:5: queues.Returns.priority: 99 is not within 0 to 10",
            f"{file}:5:43: queues.Returns.overflow[0].to_queue: there is no queue 'Nobody'; did you mean 'Anybody'?",
        ]


def test_a_warning_is_told_and_needs_force(terminal: Terminal, tmp_path: Path) -> None:
    file = a_file(tmp_path, "queues: {Slow: {relaxation: [{after_seconds: 60}]}}")
    warning = f"{file}:1:30: warning: queues.Slow.relaxation[0]: this step changes nothing"

    checked = terminal.done("policy", "check", file)
    refused = terminal.run("policy", "apply", file)
    forced = terminal.done("policy", "apply", "--force", file)

    assert checked.lines[:2] == [warning, f"{file} can be applied with --force: it would change Slow."]
    assert (refused.status, refused.err.splitlines()) == (1, ["Error: 1 problem", warning])
    assert "it changed Slow." in forced.out


def test_a_number_that_never_was_is_told(terminal: Terminal) -> None:
    assert terminal.refused("policy", "show", "--as-of", "999").startswith("onethread: there is no number 999")


def test_a_file_that_is_not_there_is_a_wrong_call(terminal: Terminal) -> None:
    assert terminal.run("policy", "check", "nowhere.yaml").status == 2
