"""A queue or rules that are set alone are judged as a document is: nothing leads work to where nobody serves it."""

import secrets
from typing import Any

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.edge.test_problems import problem
from tests.api.situations import Shop, a_shop

NEVER = {"time_zone": "UTC", "weekly": {}}


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    """One agent, who is away, can serve its queue."""
    made = a_shop(deployment, administrator)
    made.agent(is_available=False)
    return made


def errors(answer: Any) -> dict[str, str]:
    """What the refusal says, by field; warnings left out."""
    told = problem(answer, 409, "definition-refused")["errors"]
    return {one["field"]: one["detail"] for one in told if "severity" not in one}


def let_wait(shop: Shop, supervisor: Caller) -> None:
    """A conversation, until the view of the conversations has it too."""
    taken = shop.bring("ana")
    supervisor.shown("/v1/conversations", params={"min_position": taken["position"], "limit": 1})


def to(queue_id: str, **rule: Any) -> dict[str, Any]:
    return {"overflow": [{"when": "waited", "limit": 60, "to_queue_id": queue_id, **rule}]}


def test_a_queue_is_not_set_up_so_that_waiting_work_is_stranded(
    shop: Shop, administrator: Caller, supervisor: Caller
) -> None:
    let_wait(shop, supervisor)
    wanted = {"name": "Returns", "required_skills": {"klingon": 10}}

    refused = problem(administrator.post(f"/v1/queues/{shop.queue_id}/define", wanted), 409, "definition-refused")

    assert refused["errors"] == [
        {"field": "$", "detail": "1 conversation waits in 'Returns' now that nobody could serve any more"},
        {"field": "$.required_skills.klingon", "detail": "nobody has this skill", "severity": "warning"},
    ]


@pytest.mark.usefixtures("shop")
def test_what_nobody_can_do_yet_is_told_as_a_warning(administrator: Caller) -> None:
    made = administrator.done("/v1/queues", {"name": "New", "required_skills": {"klingon": 3}})

    assert made["warnings"] == [{"field": "$.required_skills.klingon", "detail": "nobody has this skill"}]


def test_a_queue_does_not_overflow_to_one_that_is_not_there(administrator: Caller) -> None:
    nowhere = to(f"queue-{secrets.token_hex(16)}")

    answer = administrator.post("/v1/queues", {"name": "Returns", **nowhere})

    assert errors(answer) == {"$.overflow[0].to_queue_id": "there is no such queue"}


def test_a_queue_does_not_overflow_to_one_that_is_retired(administrator: Caller) -> None:
    gone = administrator.done("/v1/queues", {"name": "Gone"})["queue_id"]
    administrator.done(f"/v1/queues/{gone}/retire")

    answer = administrator.post("/v1/queues", {"name": "Returns", **to(gone)})

    assert errors(answer) == {"$.overflow[0].to_queue_id": "the queue 'Gone' is retired"}


def test_queues_do_not_overflow_in_a_circle(administrator: Caller) -> None:
    first = administrator.done("/v1/queues", {"name": "First"})["queue_id"]
    second = administrator.done("/v1/queues", {"name": "Second", **to(first)})["queue_id"]

    answer = administrator.post(f"/v1/queues/{first}/define", {"name": "First", **to(second)})

    assert errors(answer) == {"$.overflow[0].to_queue_id": "work would go round in a circle: First -> Second -> First"}


def test_a_queue_that_is_never_open_is_not_set_up(administrator: Caller) -> None:
    answer = administrator.post("/v1/queues", {"name": "Never", "opening_hours": NEVER})

    assert errors(answer) == {"$.opening_hours": "it is never open"}


def test_rules_by_which_a_queue_could_not_be_served_are_refused(shop: Shop, administrator: Caller) -> None:
    refused = errors(administrator.post("/v1/policy/define", {"at_most": {"adapter": 0}}))

    assert "nobody could serve the queue" in refused["$.at_most.adapter"]


def test_a_queue_that_an_account_sends_work_to_is_not_retired(shop: Shop, administrator: Caller) -> None:
    first = administrator.post(f"/v1/queues/{shop.queue_id}/retire")
    elsewhere = administrator.done("/v1/queues", {"name": "Elsewhere"})["queue_id"]
    moved = {"channel": "adapter", "name": "Moved", "queue_id": elsewhere}
    administrator.done(f"/v1/accounts/{shop.account_id}/define", moved)
    then = administrator.post(f"/v1/queues/{shop.queue_id}/retire")

    assert errors(first) == {
        "$": f"the account 'Account {shop.skill}' sends its work here: let it send elsewhere first"
    }
    assert then.status_code == 200


def test_a_queue_that_another_overflows_to_is_not_retired(administrator: Caller) -> None:
    last = administrator.done("/v1/queues", {"name": "Last"})["queue_id"]
    administrator.done("/v1/queues", {"name": "First", **to(last)})

    answer = administrator.post(f"/v1/queues/{last}/retire")

    assert errors(answer) == {"$": "the queue 'First' overflows to it"}


def test_what_was_carried_out_is_not_refused_when_it_is_repeated(shop: Shop, administrator: Caller) -> None:
    spare = administrator.done("/v1/queues", {"name": "Spare"})["queue_id"]
    key = secrets.token_hex(8)
    first = administrator.post(f"/v1/queues/{spare}/retire", key=key)
    administrator.done(f"/v1/queues/{spare}/define", {"name": "Spare"})
    administrator.done("/v1/queues", {"name": "First", **to(spare)})

    again = administrator.post(f"/v1/queues/{spare}/retire", key=key)

    assert (again.status_code, again.json()) == (200, first.json())
