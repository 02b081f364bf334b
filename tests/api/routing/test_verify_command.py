"""`onethread verify routing` says what holds, lists what does not, and ends with status 1 then."""

import json
from collections.abc import Iterator

import pytest
import uvloop

from api.composition import composed
from api.settings import Settings
from application.commands import Command
from application.log import Fact, Write
from application.proofs.finding import Promise
from domain import workload
from domain.agent import Presence
from domain.assignment import OfferDeclined
from domain.intake import InboundMessage
from domain.interaction import Content
from infrastructure.embedded.servers import Servers
from tests.api.running.test_command_line import Terminal, environment_of
from tests.databases import an_empty_database
from tests.scenarios.serving import SetUp, set_up, settings_for


async def a_declined_offer(shop: SetUp, reason: str) -> None:
    """The only agent says no, and is asked no more. Written past the rules, which once asked for no reason."""
    async with composed(shop.settings, readers=False) as parts:
        command = Command(actor="test", at=parts.clock())
        _, agent_id = await parts.staff.register(command, "Mei", {}, 6)
        await parts.staff.sign_in(command, agent_id)
        await parts.staff.change_presence(command, agent_id, Presence.AVAILABLE, "")
        said = InboundMessage(provider_id="m-1", handle="ana", content=Content(text="Hi"), occurred_at=parts.clock())
        (receipt,) = await parts.receive.receive(shop.account_id, [said], command)
        await parts.router.settle()
        customer, version = await parts.commands.states.load(receipt.customer_id)
        offered = customer.conversation(receipt.conversation_id)
        agent, agent_version = await parts.commands.states.load(agent_id)
        declined = OfferDeclined(
            conversation_id=offered.id,
            queue_id=offered.queue_id,
            offer_id=offered.offer_id,
            agent_id=agent_id,
            reason=reason,
        )
        released = workload.release_load(agent, conversation_id=offered.id, reason="declined")
        writes = [
            Write(receipt.customer_id, version, [Fact(declined, command.at)]),
            Write(agent_id, agent_version, [Fact(event, command.at) for event in released]),
        ]
        await parts.log.append(writes, [], context=command.context)


async def an_evening(shop: SetUp) -> None:
    """The router stops; then somebody writes, while an agent has room."""
    async with composed(shop.settings, readers=False) as parts:
        command = Command(actor="test", at=parts.clock())
        _, agent_id = await parts.staff.register(command, "Mei", {}, 6)
        await parts.staff.sign_in(command, agent_id)
        await parts.staff.change_presence(command, agent_id, Presence.AVAILABLE, "")
        assert parts.router.recorded_leads is not None
        await parts.router.recorded_leads.note(parts.clock())
        said = InboundMessage(provider_id="m-1", handle="ana", content=Content(text="Hi"), occurred_at=parts.clock())
        await parts.receive.receive(shop.account_id, [said], command)


@pytest.fixture
def settings(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        yield settings_for(database_url, addresses.nats_url, tmp_path_factory.mktemp("verify"))


@pytest.fixture
def terminal(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(environment_of(settings) | {"COLUMNS": "200"}, monkeypatch, capsys)


def test_a_log_that_keeps_every_promise_says_so(settings: Settings, terminal: Terminal) -> None:
    uvloop.run(a_declined_offer(set_up(settings), "lunch"))

    said = terminal.done("verify", "routing").out

    assert said.count("none") == len(Promise)
    assert "1 decision taken once more." in said
    beyond = terminal.run("verify", "routing", "--from", "999999")
    assert beyond.status == 2
    assert "there is nothing from 999999 on: the last event is at " in beyond.err


def test_a_counterexample_is_listed_with_its_position_and_ends_with_status_1(
    settings: Settings, terminal: Terminal
) -> None:
    uvloop.run(a_declined_offer(set_up(settings), ""))

    said = terminal.run("verify", "routing")
    report = json.loads(terminal.run("verify", "routing", "--json").out)
    later = terminal.done("verify", "routing", "--from", str(report["findings"][0]["position"] + 1))

    assert said.status == 1
    assert "declined without a reason" in said.out
    assert said.err.splitlines()[-1] == "Error: 1 counterexample"
    assert (report["counts"]["reasons"], report["findings"][0]["promise"]) == (1, "reasons")
    assert "none" in later.out


def test_what_waits_since_the_router_stopped_is_a_note_and_ends_with_status_0(
    settings: Settings, terminal: Terminal
) -> None:
    uvloop.run(an_evening(set_up(settings)))

    said = terminal.done("verify", "routing", "--lag", "0").out
    report = json.loads(terminal.done("verify", "routing", "--lag", "0", "--json").out)

    assert said.count("none") == len(Promise)
    assert "no router has led since" in said
    assert "; 1 conversation waiting while agents have room" in said
    assert [(one["until"], one["conversations"]) for one in report["unled"]] == [(None, 1)]
    assert (report["counts"]["idle"], report["findings"]) == (0, [])
