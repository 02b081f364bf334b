"""Templates as agents meet them: the approved texts to choose from, and how the one that was sent reads."""

import secrets

import pytest

from domain.person import Role
from tests.api.deployment import Caller, Deployment
from tests.api.downloads.test_uploads import problem_of, provider, reply_line
from tests.api.situations import Held, a_held_conversation, a_shop
from tests.channels.scripted_provider import ScriptedProvider, Taken, accepts_whatsapp, answers, graph_error

__all__ = ["provider"]

TOLD = {
    "name": "order_update",
    "language": "de",
    "status": "APPROVED",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hallo {{1}}, Paket {{2}} ist da."}],
}


@pytest.fixture
def held(deployment: Deployment, administrator: Caller, provider: ScriptedProvider) -> Held:
    """A conversation on a WhatsApp account whose templates can be asked for."""
    provider.accepts = lambda taken, number: (
        answers(200, {"data": [TOLD]}) if "message_templates" in taken.path else accepts_whatsapp(taken, number)
    )
    settings = {"app_secret": "s", "verify_token": "v", "access_token": "t", "api_url": provider.url, "waba_id": "1022"}
    shop = a_shop(deployment, administrator, "whatsapp", address="1122334455667", settings=settings)
    return a_held_conversation(shop, handle=f"+4930{secrets.randbelow(10**8):08}")


def lists(provider: ScriptedProvider) -> list[Taken]:
    return [one for one in provider.taken if "message_templates" in one.path]


def test_an_agent_sees_what_may_be_sent_and_the_provider_is_asked_once(held: Held, provider: ScriptedProvider) -> None:
    path = f"/v1/accounts/{held.shop.account_id}/templates"

    (shown,) = held.agent.shown(path)["items"]
    again = held.shop.deployment.person(Role.SUPERVISOR).shown(path)["items"]

    assert shown == {
        "name": "order_update",
        "language": "de",
        "category": "utility",
        "body": "Hallo {{1}}, Paket {{2}} ist da.",
    }
    assert (again, len(lists(provider))) == ([shown], 1)


def test_a_template_that_is_known_is_recorded_and_shown_as_it_reads(held: Held, provider: ScriptedProvider) -> None:
    template = {"name": "order_update", "language": "de", "parameters": ["Ana", "4111 1111 1111 1111"]}

    sent = held.agent.post(f"{held.path}/reply", {"template": template})
    line = reply_line(held)
    card = held.agent.shown(f"/v1/conversations/{held.conversation_id}")

    words = "Hallo Ana, Paket 4111 11** **** 1111 ist da."
    assert sent.status_code == 202
    assert (line["event"]["template"]["words"], card["preview"]) == (words, words)
    assert "words" not in str(provider.taken[-1].json)


def test_a_template_that_is_not_known_goes_out_with_its_name(held: Held) -> None:
    template = {"name": "another", "language": "de"}

    held.agent.post(f"{held.path}/reply", {"template": template})

    assert reply_line(held)["event"]["template"] == template


def test_an_account_without_the_setting_says_which(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    settings = {"app_secret": "s", "verify_token": "v", "access_token": "t"}
    whatsapp = a_shop(deployment, administrator, "whatsapp", address="1", settings=settings)
    adapter = a_shop(deployment, administrator)

    missing = supervisor.get(f"/v1/accounts/{whatsapp.account_id}/templates")
    none = supervisor.get(f"/v1/accounts/{adapter.account_id}/templates")

    assert problem_of(missing) == (409, "/problems/account-invalid", "$.settings.waba_id")
    assert problem_of(none)[:2] == (409, "/problems/channel-takes-no-templates")


def test_a_provider_that_does_not_tell_is_no_fault_of_who_asks(held: Held, provider: ScriptedProvider) -> None:
    provider.accepts = lambda *_: graph_error(190, "Token expired", status=401)

    refused = held.agent.get(f"/v1/accounts/{held.shop.account_id}/templates")

    assert problem_of(refused)[:2] == (503, "/problems/templates-not-told")
    assert "190 Token expired" in refused.json()["detail"]
