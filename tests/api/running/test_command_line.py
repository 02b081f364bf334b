"""The command line: it teaches, it does what it says, and what a person can mend is one sentence with status 1."""

import io
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import httpx
import pytest

from api.assembly import FOLDS
from api.command_line.__main__ import main, onethread
from api.key_file import new_key
from api.settings import Settings, variable
from infrastructure.embedded.servers import Servers
from tests.databases import an_empty_database
from tests.scenarios.serving import SetUp, bring, serving, set_up, settings_for

VIEWS = [fold.name for fold in FOLDS]
PASSWORD = "a long enough password"
MESSAGES = 30


@dataclass
class Said:
    """What a command printed, and how it ended."""

    out: str
    err: str
    status: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Terminal:
    """Somebody at a terminal of a deployment."""

    environment: dict[str, str]
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str, typed: str = "", **environment: str) -> Said:
        with self.monkeypatch.context() as patch:
            for name, value in (self.environment | environment).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["onethread", *arguments])
            patch.setattr(sys, "stdin", io.StringIO(typed))
            status = 0
            try:
                main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
        told = self.capsys.readouterr()
        return Said(told.out, told.err, status)

    def done(self, *arguments: str, typed: str = "") -> Said:
        said = self.run(*arguments, typed=typed)
        assert said.status == 0, said
        return said

    def refused(self, *arguments: str, typed: str = "", **environment: str) -> str:
        """The one sentence of a command that did not succeed."""
        said = self.run(*arguments, typed=typed, **environment)
        assert said.status == 1, said
        assert "Traceback" not in said.err
        *progress, sentence = said.err.strip().splitlines()
        assert not progress or "━" in progress[0], said.err
        return sentence


@pytest.fixture(scope="module")
def shop(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    """A deployment with some history."""
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        made = set_up(settings_for(database_url, addresses.nats_url, tmp_path_factory.mktemp("serve")))
        with serving(made.settings) as server, httpx.Client(base_url=server.url, timeout=30) as http:
            for number in range(MESSAGES):
                assert bring(http, made, f"m-{number}", f"handle-{number % 4}", f"line {number}").is_success
        yield made


@pytest.fixture
def terminal(shop: SetUp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(environment_of(shop.settings), monkeypatch, capsys)


def environment_of(settings: Settings) -> dict[str, str]:
    names = ("database_url", "nats_url", "data_directory", "master_keys", "claim_key", "token_key")
    values = {name: getattr(settings, name) for name in names}
    return {
        variable(name): ",".join(value) if isinstance(value, tuple) else str(value) for name, value in values.items()
    }


def commands(group: click.Command = onethread, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_explains_itself(terminal: Terminal, path: tuple[str, ...]) -> None:
    said = terminal.done(*path, "--help")

    usage, _, explained = said.out.partition("\n\n")
    sentences = explained.split("Options:")[0].strip()
    assert usage.startswith("Usage: ")
    assert len(sentences.split()) >= 5, "a sentence at least"
    for option in re.findall(r"^  (-\S.*)$", said.out, re.MULTILINE):
        assert len(option.split("  ", 1)) == 2 or len(option) > 20, f"{option}: what is it for?"


def test_an_administrator_who_was_created_here_may_sign_in(terminal: Terminal, shop: SetUp) -> None:
    said = terminal.done("admin", "create-administrator", "ada", "--password-stdin", typed=f"{PASSWORD}\n")

    with serving(shop.settings) as server, httpx.Client(base_url=server.url, timeout=30) as http:
        right = http.post("/v1/sessions", json={"login": "ada", "password": PASSWORD})
        wrong = http.post("/v1/sessions", json={"login": "ada", "password": f"{PASSWORD}!"})
    assert re.fullmatch(r"ada may sign in as administrator \(person-[0-9a-f]{32}\)\.\n", said.out)
    assert (right.status_code, right.json()["role"]) == (201, "administrator")
    assert wrong.status_code == 401


def test_a_weak_password_and_a_login_that_is_taken_are_refused(terminal: Terminal) -> None:
    terminal.done("admin", "create-administrator", "bea", "--password-stdin", typed=f"{PASSWORD}\n")

    weak = terminal.refused("admin", "create-administrator", "cem", "--password-stdin", typed="short\n")
    endless = terminal.refused("admin", "create-administrator", "cem", "--password-stdin", typed=f"{'x' * 257}\n")
    taken = terminal.refused("admin", "create-administrator", "bea", "--password-stdin", typed=f"{PASSWORD}\n")
    also_taken = terminal.refused("admin", "create-administrator", "BEA", "--password-stdin", typed=f"{PASSWORD}\n")

    assert weak == "Error: a password has at least 10 characters"
    assert endless == "Error: a password has at most 256 characters"
    assert taken == "Error: somebody signs in as bea already"
    assert also_taken == "Error: somebody signs in as BEA already"


@pytest.mark.parametrize("login", ["", " ", "a\0b", "x" * 300])
def test_a_login_that_nobody_could_sign_in_with_is_refused(terminal: Terminal, login: str) -> None:
    assert terminal.refused("admin", "create-administrator", login, "--password-stdin", typed=f"{PASSWORD}\n")


def test_a_key_that_was_issued_here_is_good_and_printed_once(terminal: Terminal, shop: SetUp) -> None:
    said = terminal.done("admin", "create-key", "crm", "--account", shop.account_id)

    (key,) = said.lines
    with serving(shop.settings) as server, httpx.Client(base_url=server.url, timeout=30) as http:
        me = http.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).json()
    log = terminal.done("replay", "--topic", "person.key_issued").out
    assert (me["name"], me["role"], me["account_ids"]) == ("crm", "adapter", [shop.account_id])
    assert key not in log
    assert "(hidden)" in log


def test_new_keys_are_ready_for_an_environment_file(terminal: Terminal) -> None:
    first, second = terminal.done("admin", "new-keys"), terminal.done("admin", "new-keys")

    names = [line.partition("=")[0] for line in first.lines]
    assert names == ["ONETHREAD_MASTER_KEYS", "ONETHREAD_CLAIM_KEY", "ONETHREAD_TOKEN_KEY"]
    assert not set(first.lines) & set(second.lines)


def test_all_settings_are_listed(terminal: Terminal) -> None:
    said = terminal.done("admin", "settings")

    assert {line.split()[0] for line in said.lines[1:]} == {variable(name) for name in Settings.__struct_fields__}
    assert not any(secret in said.out for secret in terminal.environment.values())


def test_the_status_names_every_view_and_how_far_it_is(terminal: Terminal) -> None:
    said = terminal.done("admin", "status")

    head = int(re.findall(r"log: (\d+) events", said.out)[0])
    rows = {row[0]: row[1:] for row in (line.split() for line in said.lines) if len(row) == 3}
    assert set(VIEWS) <= set(rows)
    assert all(int(rows[view][0]) + int(rows[view][1]) == head for view in VIEWS)
    assert "parked" not in said.out


def test_history_is_printed_in_order_and_filtered(terminal: Terminal) -> None:
    def shown(*arguments: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in terminal.done("replay", *arguments).lines]

    everything = shown()
    positions = [one["position"] for one in everything]
    stream = next(str(one["stream"]) for one in everything if str(one["stream"]).startswith("customer-"))
    received = "conversation.message_received"

    assert positions == list(range(1, len(everything) + 1))
    assert shown("--after", "3", "--upto", "7") == everything[3:7]
    assert shown("--last", "4") == everything[-4:]
    assert shown("--stream", stream) == [one for one in everything if one["stream"] == stream]
    assert shown("--topic", received) == [one for one in everything if one["topic"] == received]
    assert len(shown("--topic", received)) == MESSAGES
    assert shown("--stream", stream, "--topic", received, "--upto", "20") == [
        one for one in everything[:20] if one["stream"] == stream and one["topic"] == received
    ]
    assert shown("--upto", "1000000") == everything
    assert shown("--stream", "customer-" + "0" * 32) == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_made_anew_and_given_back(terminal: Terminal, view: str) -> None:
    rebuilt = terminal.done("rebuild", view)
    back = terminal.done("rebuild", view, "--switch-back")

    (compared,) = re.findall(r"compared at position \d+: (\d+) and (\d+) rows\.", rebuilt.out)
    assert compared[0] == compared[1]
    assert "is live." in rebuilt.out
    assert "is live again." in back.out


def test_a_view_follows_its_parked_streams_again_when_asked(terminal: Terminal) -> None:
    said = terminal.done("replay", "--parked", "timeline")
    unknown = terminal.refused("replay", "--parked", "inbox")

    assert said.out == "0 of 0 parked streams of timeline are followed again.\n"
    assert unknown == f"Error: there is no view inbox; there are {', '.join(VIEWS)}"


def test_what_a_person_can_mend_is_one_sentence(terminal: Terminal, servers: Servers) -> None:
    assert terminal.refused("admin", "status", ONETHREAD_PORT="many").startswith("onethread: ONETHREAD_PORT: ")
    assert "ONETHREAD_PROT is no setting" in terminal.refused("admin", "status", ONETHREAD_PROT="1")
    assert "is not base64" in terminal.refused("admin", "status", ONETHREAD_MASTER_KEYS="?")
    assert terminal.refused("admin", "status", ONETHREAD_MASTER_KEYS="").startswith("onethread: ONETHREAD_MASTER_KEYS")
    assert terminal.refused("admin", "status", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert terminal.refused("admin", "status", DATABASE_URL="not an address").startswith("onethread: DATABASE_URL: ")


def test_keys_that_do_not_fit_the_history_are_told(terminal: Terminal) -> None:
    assert "wrapped by master key" in terminal.refused("replay", ONETHREAD_MASTER_KEYS=new_key())


def test_there_is_nothing_to_switch_back_to_before_a_rebuild(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with an_empty_database(servers.addresses.database_url) as database_url:
        settings = settings_for(database_url, servers.addresses.nats_url, tmp_path)
        sentence = Terminal(environment_of(settings), monkeypatch, capsys).refused(
            "rebuild", "timeline", "--switch-back"
        )

    assert sentence == "onethread: There is no earlier build of this view."


def test_a_wrong_call_is_status_two(terminal: Terminal) -> None:
    for arguments in (("dance",), ("rebuild", "secrets"), ("replay", "--last", "0"), ("serve", "--port", "65536")):
        said = terminal.run(*arguments)

        assert said.status == 2, arguments
        assert "Usage: " in said.err


def test_a_data_directory_of_its_own_is_all_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o711)
    terminal = Terminal({"ONETHREAD_DATA_DIRECTORY": str(tmp_path / "kept")}, monkeypatch, capsys)

    terminal.done("admin", "create-administrator", "ada", "--password-stdin", typed=f"{PASSWORD}\n")
    said = terminal.done("replay")

    assert [json.loads(line)["event"]["login"] for line in said.lines] == ["ada"]
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["keys.json", "nats", "postgres"]
