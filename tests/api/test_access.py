"""Who may do what: every operation that bears ids, for every role and for another agent."""

from dataclasses import dataclass
from typing import Any

import pytest

from api.access.permissions import PERMISSIONS, Action, Reach
from api.http.operation import Operation
from api.routes.table import OPERATIONS
from domain.person import Role
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Held, a_held_conversation, a_shop

BODIES: dict[str, Any] = {
    "reply": {"text": "x"},
    "note": {"text": "x"},
    "tag": {"tag": "x"},
    "untag": {"tag": "x"},
    "set_priority": {"priority": 1},
    "change_presence": {"presence": "away"},
    "assign_skills": {"skills": {"unmatched": 1}},
    "set_capacity": {"units": 6},
    "link_identities": {"identities": [{"channel": "email", "handle": "a@example.org"}]},
    "give_role": {"role": "auditor"},
    "replace_password": {"password": "correct horse battery"},
}

WITH_IDS = [one for one in OPERATIONS if one.path_names and one.action is not None]


@dataclass
class Scene:
    """One conversation held by an agent, somebody of each role, and an agent who has nothing to do with it."""

    held: Held
    callers: dict[Role, Caller]
    stranger: Caller


@pytest.fixture(scope="module")
def scene(deployment: Deployment, administrator: Caller) -> Scene:
    shop = a_shop(deployment, administrator)
    held = a_held_conversation(shop)
    other_shop = a_shop(deployment, administrator)
    callers = {
        Role.SUPERVISOR: deployment.person(Role.SUPERVISOR),
        Role.AUDITOR: deployment.person(Role.AUDITOR),
        Role.ADMINISTRATOR: administrator,
        Role.ADAPTER: other_shop.adapter,
    }
    return Scene(held, callers, other_shop.agent())


def path_of(operation: Operation, held: Held) -> str:
    """The operation's path, about things that exist and are the agent's own."""
    ids = {
        "customer_id": held.customer_id,
        "conversation_id": held.conversation_id,
        "offer_id": held.offer_id,
        "agent_id": held.agent.agent_id,
        "queue_id": held.shop.queue_id,
        "account_id": held.shop.account_id,
        "person_id": held.agent.id,
        "position": "1",
        "message_id": f"message-{'0' * 32}",
        "digest": "0" * 64,
        "delivery_id": f"delivery-{'0' * 32}",
    }
    return operation.path.format(**ids)


def status_for(caller: Caller, operation: Operation, held: Held) -> int:
    path = path_of(operation, held)
    if operation.method == "GET":
        return caller.get(path).status_code
    return caller.post(path, BODIES.get(operation.name, operation.example or {})).status_code


def cells(*roles: Role, reach: Reach) -> list[tuple[Role, Operation]]:
    return [
        (role, operation)
        for operation in WITH_IDS
        for role in roles
        if operation.action is not None and PERMISSIONS[operation.action, role] is reach
    ]


def named(cell: object) -> str:
    return cell.name if isinstance(cell, Operation) else str(cell)


OTHERS = (Role.SUPERVISOR, Role.AUDITOR, Role.ADMINISTRATOR, Role.ADAPTER)


@pytest.mark.parametrize(("role", "operation"), cells(*OTHERS, reach=Reach.NONE), ids=named)
def test_a_role_without_the_permission_gets_403(scene: Scene, role: Role, operation: Operation) -> None:
    assert status_for(scene.callers[role], operation, scene.held) == 403


@pytest.mark.parametrize("operation", [cell[1] for cell in cells(Role.AGENT, reach=Reach.NONE)], ids=named)
def test_an_agent_without_the_permission_gets_403(scene: Scene, operation: Operation) -> None:
    assert status_for(scene.stranger, operation, scene.held) == 403


@pytest.mark.parametrize(
    "operation",
    [cell[1] for cell in cells(Role.AGENT, reach=Reach.OWN) if cell[1].action is not Action.LOG_CALLS],
    ids=named,
)
def test_what_is_another_agents_is_unknown_to_an_agent(scene: Scene, operation: Operation) -> None:
    assert status_for(scene.stranger, operation, scene.held) == 404


@pytest.mark.parametrize("operation", [cell[1] for cell in cells(Role.ADAPTER, reach=Reach.OWN)], ids=named)
def test_another_adapters_account_is_unknown_to_an_adapter(scene: Scene, operation: Operation) -> None:
    body = None if operation.takes is bytes else operation.example
    path = path_of(operation, scene.held)
    if body is None:
        answer = scene.callers[Role.ADAPTER].ask("POST", path, content=b"Subject: x\r\n\r\nx")
    else:
        answer = scene.callers[Role.ADAPTER].post(path, body)

    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.action is not None], ids=named)
def test_without_a_credential_nothing_opens(deployment: Deployment, scene: Scene, operation: Operation) -> None:
    answer = deployment.anybody().ask(operation.method, path_of(operation, scene.held))

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "/problems/sign-in-needed"


@pytest.mark.parametrize("operation", [one for one in WITH_IDS if "position" not in one.path_names], ids=named)
def test_malformed_and_unknown_ids_give_404(scene: Scene, operation: Operation) -> None:
    assert operation.action is not None  # those without were left out
    role = next(role for role in scene.callers if PERMISSIONS[operation.action, role] is not Reach.NONE)
    caller = scene.callers[role]
    if operation.action in (Action.WORK_ON_CONVERSATIONS, Action.PICK_WORK):
        caller = scene.stranger
    body = BODIES.get(operation.name, operation.example or {})

    def ask(path: str) -> int:
        if operation.method == "GET":
            return caller.get(path).status_code
        return caller.post(path, body).status_code

    unknown = operation.path.format(**{name: f"{name[:-3]}-{'0' * 32}" for name in operation.path_names})
    malformed = operation.path.format(**dict.fromkeys(operation.path_names, "x%00y"))
    assert (ask(unknown), ask(malformed)) == (404, 404)


def test_the_table_names_every_action_for_every_role() -> None:
    assert set(PERMISSIONS) == {(action, role) for action in Action for role in Role}


def test_auditors_change_nothing() -> None:
    reads = {one.action for one in OPERATIONS if one.method == "GET"} | {Action.OPEN_SOCKET, Action.KNOW_ONESELF}

    allowed = {action for action in Action if PERMISSIONS[action, Role.AUDITOR] is not Reach.NONE}

    assert allowed - reads - {Action.READ_METRICS} == set()


def test_a_barred_person_is_out_at_once_and_back_when_readmitted(deployment: Deployment, administrator: Caller) -> None:
    somebody = deployment.person(Role.SUPERVISOR)
    assert somebody.get("/v1/me").status_code == 200

    deployment.known(administrator.done(f"/v1/people/{somebody.id}/bar")["position"])
    barred = somebody.get("/v1/me").status_code
    deployment.known(administrator.done(f"/v1/people/{somebody.id}/readmit")["position"])

    assert (barred, somebody.get("/v1/me").status_code) == (401, 200)


def test_a_new_role_counts_at_the_next_request(deployment: Deployment, administrator: Caller) -> None:
    somebody = deployment.person(Role.SUPERVISOR)

    deployment.known(administrator.done(f"/v1/people/{somebody.id}/give_role", {"role": "auditor"})["position"])

    assert somebody.get("/v1/log").status_code == 200
    assert (
        somebody.post("/v1/customers", {"identities": [{"channel": "email", "handle": "x@y.org"}]}).status_code == 403
    )


def test_a_transferred_conversation_is_unknown_to_its_former_agent(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    held = a_held_conversation(a_shop(deployment, administrator))
    before = held.agent.get(held.timeline).status_code

    supervisor.done(f"{held.path}/close")
    after = [held.agent.get(held.timeline), held.agent.post(f"{held.path}/note", {"text": "x"})]

    assert before == 200
    assert [answer.status_code for answer in after] == [404, 404]


def test_an_agent_sees_their_own_conversations_and_no_others(scene: Scene) -> None:
    own = scene.held.agent.shown("/v1/conversations")
    others = scene.stranger.shown("/v1/conversations", params={"agent_id": scene.held.agent.agent_id})

    assert scene.held.conversation_id in [card["id"] for card in own["items"]]
    assert scene.held.conversation_id not in [card["id"] for card in others["items"]]


def test_an_agent_may_look_at_themselves_and_their_shop_may_not_look_at_each_other(scene: Scene) -> None:
    agent = scene.held.agent

    assert agent.get(f"/v1/agents/{agent.agent_id}").status_code == 200
    assert agent.get("/v1/agents").status_code == 404
