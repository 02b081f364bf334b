"""`onethread explain` prints the four stages, the candidates and whether it came out the same."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvloop

from api.composition import composed
from api.settings import Settings
from application.commands import Command
from domain.agent import Presence
from domain.assignment import ConversationOffered
from domain.intake import InboundMessage
from domain.interaction import Content
from infrastructure.embedded.servers import Servers
from tests.api.running.test_command_line import Terminal, environment_of
from tests.databases import an_empty_database
from tests.scenarios.serving import set_up, settings_for


@dataclass(frozen=True)
class Decided:
    """An offer that the router made."""

    settings: Settings
    offered: ConversationOffered
    position: int
    waiting_id: str
    """A conversation for which there is no room."""


async def decided(settings: Settings, account_id: str) -> Decided:
    """A message is offered to the only agent there is; three more messages, of others, are one too many."""
    async with composed(settings, readers=False) as parts:
        command = Command(actor="test", at=parts.clock())
        _, agent_id = await parts.staff.register(command, "Mei", {}, 6)
        await parts.staff.sign_in(command, agent_id)
        await parts.staff.change_presence(command, agent_id, Presence.AVAILABLE, "")
        await parts.staff.register(command, "Ola", {}, 6)
        waiting_id = ""
        for handle in ("ana", "ben", "cai", "dia"):
            message = InboundMessage(
                provider_id=f"m-{handle}", handle=handle, content=Content(text="Hello?"), occurred_at=parts.clock()
            )
            (receipt,) = await parts.receive.receive(account_id, [message], command)
            await parts.router.settle()
            waiting_id = receipt.conversation_id
        events, _ = await parts.log.read(0, 1_000, [ConversationOffered.TOPIC])
        offered = events[0].event
        assert isinstance(offered, ConversationOffered)
        return Decided(settings, offered, events[0].position, waiting_id)


@pytest.fixture(scope="module")
def made(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decided]:
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        shop = set_up(settings_for(database_url, addresses.nats_url, tmp_path_factory.mktemp("explain")))
        yield uvloop.run(decided(shop.settings, shop.account_id))


@pytest.fixture
def terminal(made: Decided, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(environment_of(made.settings) | {"COLUMNS": "200"}, monkeypatch, capsys)


def test_the_four_stages_are_printed_with_the_verdict(terminal: Terminal, made: Decided) -> None:
    said = terminal.done("explain", made.offered.offer_id).out

    stages = [said.index(stage) for stage in ("1  intake", "2  classification", "3  queue", "4  assignment")]
    assert stages == sorted(stages)
    assert f"Mei ({made.offered.agent_id})" in said
    assert "1 of 2 could be asked" in said
    assert "offline" in said
    assert "Recomputed from the log: the same winner." in said


def test_the_newest_offer_of_a_conversation_is_explained_as_json(terminal: Terminal, made: Decided) -> None:
    said = terminal.done("explain", "--conversation", made.offered.conversation_id, "--json").out

    told = json.loads(said)
    assert (told["offer_id"], told["assignment"]["recomputed"]) == (made.offered.offer_id, True)


def test_why_not_an_agent_is_printed(terminal: Terminal, made: Decided) -> None:
    said = terminal.done("explain", made.offered.offer_id, "--agent", made.offered.agent_id).out

    assert f"why not Mei ({made.offered.agent_id})?" in said
    assert "They were offered it." in said


def test_an_agent_can_be_asked_about_by_name(terminal: Terminal, made: Decided) -> None:
    said = terminal.done("explain", made.offered.offer_id, "--agent", "Ola").out

    assert "They could not be asked: offline." in said
    refused = terminal.refused("explain", made.offered.offer_id, "--agent", "Maria")
    assert refused == "onethread: no agent was called Maria at that moment: name one by id, as agent-…"


def test_work_that_waits_is_told_with_every_agents_reason(terminal: Terminal, made: Decided) -> None:
    said = terminal.done("explain", "--conversation", made.waiting_id, "--agent", "Ola").out

    assert f"{made.waiting_id} waits; nobody has it" in said
    assert "0 of 2 could be asked" in said
    assert "no room: 6 of 6 units held, 2 needed" in said
    assert "They could not be asked: offline." in said


def test_a_position_is_explained_or_said_to_be_no_decision(terminal: Terminal, made: Decided) -> None:
    said = terminal.done("explain", str(made.position)).out

    assert made.offered.offer_id in said
    assert terminal.refused("explain", "1").endswith("which is no decision of routing")


def test_an_unknown_decision_is_one_sentence(terminal: Terminal) -> None:
    assert terminal.refused("explain", "offer-1") == "onethread: there is no decision offer-1"
    assert terminal.run("explain").status == 2
