"""`onethread channels import-calls`: each call once, however often its records are given."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvloop

from api.composition import composed
from api.settings import Settings
from application.commands import Command
from domain.account import AccountDefinition
from domain.calls.stages import CallLogged
from domain.event import Recorded
from infrastructure.embedded.servers import Servers
from tests.api.running.test_command_line import Terminal, environment_of
from tests.channels.phone.samples import a_json_cdr, cdr
from tests.databases import an_empty_database
from tests.scenarios.serving import set_up, settings_for


async def open_account(settings: Settings) -> str:
    async with composed(settings, readers=False) as parts:
        definition = AccountDefinition(channel="phone", name="Desk", queue_id=f"queue-{'1' * 32}", default_region="DE")
        _, account_id = await parts.set_up.define_account(Command(actor="test", at=parts.clock()), None, definition)
        return account_id


async def logged(settings: Settings) -> list[Recorded]:
    async with composed(settings, readers=False) as parts:
        events, _ = await parts.log.read(0, 1_000, ["conversation.call_logged"])
        return list(events)


@pytest.fixture
def settings(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        yield settings_for(database_url, addresses.nats_url, tmp_path_factory.mktemp("calls"))


def test_overlapping_files_are_taken_in_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(environment_of(settings) | {"COLUMNS": "200"}, monkeypatch, capsys)
    set_up(settings)
    account_id = uvloop.run(open_account(settings))
    start = "2025-07-21 10:30:00"
    rows = [cdr("030901820", "204", f"1753086600.{number}", start=start) for number in range(5)]
    rows += [cdr("", "204", "1753086600.9", start=start), cdr("204", "205", start=start), '"too","few"\n']
    (tmp_path / "first.csv").write_text("".join(rows[:4]))
    (tmp_path / "Master.csv").write_text("".join(rows[2:]))
    (tmp_path / "legs").mkdir()
    (tmp_path / "legs" / "a.cdr.json").write_text(json.dumps(a_json_cdr()))

    def bring(*files: str) -> list[str]:
        paths = [str(tmp_path / one) for one in files]
        return terminal.done("channels", "import-calls", account_id, *paths, "--timezone", "Europe/Berlin").lines

    first, second, again = bring("first.csv"), bring("Master.csv"), bring("Master.csv", "first.csv", "legs")

    assert first == ["4 stored, 0 known before, 0 skipped."]
    assert second == [
        "Master.csv:6: 2 columns; a record of Asterisk has 16 to 21",
        "Master.csv:5: a call among ourselves",
        "2 stored, 2 known before, 2 skipped.",
        "  1 x 2 columns; a record of Asterisk has 16 to 21",
        "  1 x a call among ourselves",
    ]
    assert again[2] == "1 stored, 6 known before, 2 skipped."
    found = uvloop.run(logged(settings))
    calls = [one.event for one in found if isinstance(one.event, CallLogged)]
    assert [one.handle for one in calls].count("anonymous") == 1
    assert len(calls) == len({one.call_id for one in calls}) == 7
    assert {one.stream for one in found if isinstance(one.event, CallLogged) and one.event.handle == "+4930901820"} == {
        found[0].stream
    }
    assert found[0].occurred_at == datetime(2025, 7, 21, 8, 30, tzinfo=UTC)


def test_an_account_or_a_zone_that_is_not_there_is_told(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(environment_of(settings), monkeypatch, capsys)
    (tmp_path / "Master.csv").write_text(cdr())
    asked = ("channels", "import-calls", f"account-{'0' * 32}", str(tmp_path / "Master.csv"))

    assert "there is no telephone account" in terminal.refused(*asked)
    assert terminal.run(*asked, "--timezone", "Mars/Base").status == 2
