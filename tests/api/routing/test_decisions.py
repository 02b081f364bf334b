"""Why somebody got a conversation, over HTTP: told to supervisors and auditors, and to the agent concerned."""

import pytest

from domain.person import Role
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Held, Shop, a_held_conversation, a_shop, an_offered_conversation


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator)


@pytest.fixture
def held(shop: Shop) -> Held:
    """Two could have got it; one did."""
    first, _ = shop.agent(), shop.agent()
    return a_held_conversation(shop, first)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AUDITOR, Role.ADMINISTRATOR])
def test_a_decision_is_explained_in_four_stages(held: Held, role: Role) -> None:
    caller = held.shop.deployment.person(role)

    told = caller.shown(f"/v1/decisions/{held.offer_id}")

    assert told["intake"]["channel"] == "adapter"
    assert told["classification"]["priority"] == 0
    assert told["queue"]["requirement"] == {held.shop.skill: 1}
    assert (told["assignment"]["agent_id"], told["assignment"]["recomputed"]) == (held.agent.agent_id, True)
    ranked = [one["agent_id"] for one in told["assignment"]["candidates"] if "rank" in one]
    assert (ranked[0], len(ranked)) == (held.agent.agent_id, 2)


def test_agents_are_told_of_offers_made_to_themselves_alone(held: Held, shop: Shop) -> None:
    other = shop.agent()

    assert held.agent.get(f"/v1/decisions/{held.offer_id}").status_code == 200
    assert other.get(f"/v1/decisions/{held.offer_id}").status_code == 404
    assert [one["id"] for one in held.agent.shown("/v1/decisions")["items"]] == [held.offer_id]
    assert other.shown("/v1/decisions", params={"agent_id": held.agent.agent_id})["items"] == []


def test_somebody_without_the_skill_could_not_be_asked(deployment: Deployment, shop: Shop, supervisor: Caller) -> None:
    elsewhere = a_shop(deployment, shop.administrator).agent()
    held = a_held_conversation(shop)

    told = supervisor.shown(f"/v1/decisions/{held.offer_id}", params={"agent_id": elsewhere.agent_id})["why_not"]

    assert told["excluded"] == [f"no skill {shop.skill} at level 1, has 0"]
    assert told["winner_otherwise"] in (elsewhere.agent_id, held.agent.agent_id)


def test_a_declined_offer_is_listed_with_its_reason(shop: Shop, supervisor: Caller) -> None:
    offered = an_offered_conversation(shop)
    done = offered.agent.done(f"{offered.path}/offers/{offered.offer_id}/decline", {"reason": "not mine"})

    which = {"queue_id": shop.queue_id, "outcome": "declined", "min_position": done["position"]}
    (shown,) = supervisor.shown("/v1/decisions", params=which)["items"]

    assert (shown["id"], shown["agent_id"], shown["reason"]) == (offered.offer_id, offered.agent.agent_id, "not mine")
    assert shown["decided_by"] == "router"


def test_an_unknown_decision_is_404(supervisor: Caller) -> None:
    assert supervisor.get(f"/v1/decisions/offer-{'0' * 32}").status_code == 404
