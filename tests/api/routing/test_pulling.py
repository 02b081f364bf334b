"""Agents see what they may take, without what was said in it, and take it; others tell routing what they know."""

from typing import Any

import pytest

from domain.person import Role
from tests.api.deployment import Caller, Deployment
from tests.api.edge.test_problems import problem
from tests.api.situations import Shop, a_held_conversation, a_shop, an_offered_conversation, closed_now

SAID = "My parcel is lost"


def path_of(taken: dict[str, Any]) -> str:
    return f"/v1/customers/{taken['customer_id']}/conversations/{taken['conversation_id']}"


def pickable(agent: Caller, position: int, **query: Any) -> list[dict[str, Any]]:
    path = f"/v1/agents/{agent.agent_id}/pickable"
    items: list[dict[str, Any]] = agent.shown(path, params={"min_position": position, **query})["items"]
    return items


def marks(supervisor: Caller, taken: dict[str, Any], position: int) -> dict[str, Any]:
    card = supervisor.shown(f"/v1/conversations/{taken['conversation_id']}", params={"min_position": position})
    one: dict[str, Any] = card["conversation"]
    return {name: one.get(name, "") for name in ("tier", "language", "sentiment")}


def test_an_agent_sees_what_they_may_take_and_nothing_that_was_said(shop: Shop, supervisor: Caller) -> None:
    agent = shop.agent(is_available=False)
    first, second = shop.bring("ana", SAID), shop.bring("ben", SAID)
    other_shop = a_shop(shop.deployment, shop.administrator)
    other_shop.bring("eve")
    aged = supervisor.done(f"{path_of(second)}/adjust_age", {"seconds": 600, "reason": "was cut off"})

    items = pickable(agent, aged["position"])

    assert [one["conversation_id"] for one in items] == [second["conversation_id"], first["conversation_id"]]
    assert items[0]["parts"]["age_adjustment"] == 600
    assert items[0]["score"] > items[1]["score"]
    assert SAID not in str(items)
    assert "ana" not in str(items)
    assert [one["conversation_id"] for one in pickable(agent, 0, limit=1)] == [second["conversation_id"]]


def test_the_first_is_found_however_long_the_line(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator)
    agent, newest = shop.agent(is_available=False), {}
    for part in range(3):
        messages = [{"message_id": f"m-{part}-{n}", "handle": f"v-{part}-{n}", "text": SAID} for n in range(400)]
        batch = {"messages": [{"account": shop.account_id, **one} for one in messages]}
        newest = shop.adapter.done(f"/v1/accounts/{shop.account_id}/messages/batch", batch)["messages"][-1]
    done = supervisor.done(f"{path_of(newest)}/set_priority", {"priority": 9})

    items = pickable(agent, done["position"], limit=200)

    assert items[0]["conversation_id"] == newest["conversation_id"]
    assert len({one["conversation_id"] for one in items}) == 200
    assert [one["score"] for one in items] == sorted((one["score"] for one in items), reverse=True)


def test_while_the_queue_is_closed_all_see_it_and_nobody_picks(deployment: Deployment, administrator: Caller) -> None:
    shop = a_shop(deployment, administrator)
    agent, taken = shop.agent(is_available=False), shop.bring("ana")
    closed = {"name": "Closed", "required_skills": {shop.skill: 1}, "opening_hours": closed_now()}
    defined = shop.administrator.done(f"/v1/queues/{shop.queue_id}/define", closed)
    shop.deployment.known(defined["position"])

    (one,) = pickable(agent, defined["position"])
    refused = agent.post(f"{path_of(taken)}/pick")

    assert one["obstacle"].startswith("closed until ")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/queue-closed")


def test_what_they_declined_is_there_to_be_picked(deployment: Deployment, administrator: Caller) -> None:
    offered = an_offered_conversation(a_shop(deployment, administrator))
    done = offered.agent.done(f"{offered.path}/offers/{offered.offer_id}/decline", {"reason": "lunch"})

    (one,) = pickable(offered.agent, done["position"])

    assert (one["conversation_id"], one.get("obstacle", "")) == (offered.conversation_id, "")
    assert offered.agent.post(f"{offered.path}/pick").status_code == 200


def test_what_is_picked_is_theirs_and_gone_for_others(shop: Shop, supervisor: Caller) -> None:
    first, second = shop.agent(is_available=False), shop.agent(is_available=False)
    taken = shop.bring("ana", SAID)
    unseen = first.get(f"/v1/customers/{taken['customer_id']}/timeline")

    picked = first.done(f"{path_of(taken)}/pick")
    late = second.post(f"{path_of(taken)}/pick")

    assert unseen.status_code == 404
    assert first.get(f"/v1/customers/{taken['customer_id']}/timeline").status_code == 200
    assert (late.status_code, late.json()["type"]) == (409, "/problems/not-waiting")
    assert pickable(second, picked["position"]) == []


def test_why_a_pick_is_refused_is_told(shop: Shop, supervisor: Caller) -> None:
    stranger = a_shop(shop.deployment, shop.administrator).agent(is_available=False)
    full = shop.agent(is_available=False, capacity=1)
    taken = shop.bring("ana")

    lacking = stranger.post(f"{path_of(taken)}/pick")
    no_room = full.post(f"{path_of(taken)}/pick")
    nobody = supervisor.post(f"{path_of(taken)}/pick")

    assert (lacking.status_code, lacking.json()["type"]) == (409, "/problems/not-eligible")
    assert lacking.json()["detail"] == f"no skill {shop.skill} at level 1, has 0"
    assert (no_room.status_code, no_room.json()["type"]) == (409, "/problems/at-capacity")
    assert nobody.status_code == 403
    assert pickable(full, taken["position"])[0]["obstacle"] == "no room: 0 of 1 units held, 2 needed"


def test_agents_supervisors_and_adapters_say_what_kind_it_is(
    deployment: Deployment, shop: Shop, supervisor: Caller
) -> None:
    held = a_held_conversation(shop)
    ids = {"customer_id": held.customer_id, "conversation_id": held.conversation_id}

    held.agent.done(f"{held.path}/classify", {"sentiment": "angry"})
    shop.adapter.done(f"{held.path}/classify", {"language": "zh"})
    deployment.program(Role.ADAPTER).done(f"{held.path}/classify", {"sentiment": ""})
    done = supervisor.done(f"{held.path}/classify", {"tier": "vip"})
    empty = supervisor.post(f"{held.path}/classify", {})
    wrong = supervisor.post(f"{held.path}/classify", {"language": "Chinese!"})
    stranger = a_shop(deployment, shop.administrator).adapter.post(f"{held.path}/classify", {"tier": "vip"})

    assert marks(supervisor, ids, done["position"]) == {"tier": "vip", "language": "zh", "sentiment": ""}
    assert [one.status_code for one in (empty, wrong, stranger)] == [400, 400, 404]


def test_tier_and_language_hold_for_the_customers_next_conversation(shop: Shop, supervisor: Caller) -> None:
    taken = shop.bring("ana", thread="first")
    supervisor.done(f"{path_of(taken)}/classify", {"tier": "vip", "sentiment": "angry"})

    again = shop.bring("ana", thread="second")

    (one,) = [
        one
        for one in pickable(shop.agent(is_available=False), again["position"])
        if one["conversation_id"] == again["conversation_id"]
    ]
    assert (again["customer_id"], one["tier"], one.get("sentiment")) == (taken["customer_id"], "vip", None)


def test_who_is_to_have_it_is_named_shown_and_taken_back(
    deployment: Deployment, shop: Shop, supervisor: Caller, auditor: Caller
) -> None:
    held, wanted = a_held_conversation(shop), shop.agent(is_available=False)
    ask = {"agent_id": wanted.agent_id, "later_too": True, "reason": "account manager"}

    done = shop.adapter.done(f"{held.path}/prefer_agent", ask)
    shown = supervisor.shown(f"/v1/conversations/{held.conversation_id}", params={"min_position": done["position"]})
    undone = held.agent.done(f"{held.path}/prefer_agent", {"agent_id": None})
    unknown = supervisor.post(f"{held.path}/prefer_agent", ask | {"agent_id": f"agent-{'0' * 32}"})
    refused = auditor.post(f"{held.path}/prefer_agent", ask)
    stranger = a_shop(deployment, shop.administrator).adapter.post(f"{held.path}/prefer_agent", ask)

    assert shown["conversation"]["preferred_agent_id"] == wanted.agent_id
    path = f"/v1/customers/{held.customer_id}/timeline"
    entries = supervisor.shown(path, params={"min_position": undone["position"]})["items"]
    told = [one["event"] for one in entries if one["kind"] == "conversation.agent_preferred"]
    assert [one["agent_id"] for one in told] == [None, wanted.agent_id]
    assert [one.status_code for one in (unknown, refused, stranger)] == [404, 403, 404]


def test_a_supervisor_gives_work_to_who_is_full_and_says_why(shop: Shop, supervisor: Caller) -> None:
    full = shop.agent(capacity=1)
    taken = shop.bring("ana")
    body = {"to_agent_id": full.agent_id}

    silent = supervisor.post(f"{path_of(taken)}/give", {**body, "override": " "})
    full_up = supervisor.post(f"{path_of(taken)}/transfer", body)
    agents = full.post(f"{path_of(taken)}/give", {**body, "override": "I want it"})
    given = supervisor.done(f"{path_of(taken)}/give", {**body, "override": "asked for Kim"})
    page = supervisor.shown(
        f"/v1/customers/{taken['customer_id']}/timeline", params={"min_position": given["position"]}
    )

    assert [one.status_code for one in (silent, full_up, agents)] == [400, 409, 403]
    offered = next(one["event"] for one in page["items"] if one["kind"] == "conversation.offered")
    assert (offered["agent_id"], offered["by"]) == (full.agent_id, "given")


@pytest.mark.parametrize("body", [{}, {"skills": {}}, {"to_agent_id": "agent-" + "0" * 32, "skills": {"repairs": 1}}])
def test_a_transfer_says_clearly_where_to(shop: Shop, supervisor: Caller, body: dict[str, Any]) -> None:
    assert supervisor.post(f"{path_of(shop.bring('ana'))}/transfer", body).status_code == 400


def test_a_transfer_to_a_skill_waits_where_it_was_and_shows_it(
    shop: Shop, administrator: Caller, supervisor: Caller
) -> None:
    held = a_held_conversation(shop)
    administrator.done("/v1/agents", {"name": "Kai", "skills": {"repairs": 5}})

    done = held.agent.done(f"{held.path}/transfer", {"skills": {"repairs": 5}, "reason": "it is broken"})
    board = supervisor.shown(f"/v1/queues/{shop.queue_id}/board", params={"min_position": done["position"]})

    (card,) = [one for one in board["items"] if one["id"] == held.conversation_id]
    assert card["skills"] == {"repairs": 5}


def test_a_transfer_to_a_skill_that_nobody_has_is_refused(shop: Shop, supervisor: Caller) -> None:
    answer = supervisor.post(f"{path_of(shop.bring('ana'))}/transfer", {"skills": {"klingon": 10}})

    told = problem(answer, 409, "skills-unmatched")
    assert told["errors"] == [{"field": "$.skills", "detail": "nobody has 'klingon' at level 10"}]


def test_an_offer_is_declined_with_a_reason_that_the_board_and_the_timeline_show(
    shop: Shop, supervisor: Caller
) -> None:
    offered = an_offered_conversation(shop)
    decline = f"{offered.path}/offers/{offered.offer_id}/decline"

    silent = [offered.agent.post(decline, body) for body in (None, {}, {"reason": ""}, {"reason": " "})]
    done = offered.agent.done(decline, {"reason": "needs a technician"})
    fresh = {"min_position": done["position"]}
    board = supervisor.shown(f"/v1/queues/{shop.queue_id}/board", params=fresh)
    page = supervisor.shown(offered.timeline, params=fresh)

    assert [one.status_code for one in silent] == [400, 400, 400, 400]
    (card,) = [one for one in board["items"] if one["id"] == offered.conversation_id]
    assert (card["refusals"], card["refusal"]) == (1, "declined: needs a technician")
    declined = next(one["event"] for one in page["items"] if one["kind"] == "conversation.offer_declined")
    assert declined["reason"] == "needs a technician"
