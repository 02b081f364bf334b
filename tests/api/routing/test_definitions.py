"""Queues, the policy and agents take all that routing knows, show it again, and refuse what cannot work."""

from typing import Any

import pytest

from api.routes import agents, policy, queues
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop

WEEKLY = "$.opening_hours.weekly"


def shown_queue(administrator: Caller, queue_id: str) -> dict[str, Any]:
    items = administrator.shown("/v1/queues")["items"]
    found: dict[str, Any] = next(one for one in items if one["id"] == queue_id)
    return found


ELSEWHERE = f"queue-{'0' * 32}"
TOLD = {"when": "waited", "limit": 5, "to_queue_id": ELSEWHERE, "promise": "email"}


def field_of(answer: Any) -> str:
    (wrong,) = answer.json()["errors"]
    return str(wrong["field"])


def test_a_queue_shows_all_that_it_was_given(deployment: Deployment, administrator: Caller, shop: Shop) -> None:
    overflow = [
        {
            "when": "waited",
            "limit": 300,
            "to_queue_id": shop.queue_id,
            "promise": "callback",
            "within_seconds": 7_200,
            "words": {"zh": "两小时内回电。", "otherwise": "We call you back within two hours."},
        }
    ]

    made = administrator.done("/v1/queues", {**queues.EXAMPLE, "overflow": overflow})
    deployment.known(made["position"])

    definition = shown_queue(administrator, made["queue_id"])["definition"]
    given = {**queues.EXAMPLE, "overflow": overflow}
    # What equals its default is not shown.
    assert {name: definition.get(name, given[name]) for name in given} == given
    assert definition.keys() <= given.keys()
    assert definition.keys() >= {"opening_hours", "relaxation", "overflow", "groups", "units", "preferred_skills"}


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"preferred_skills": {"returns": 11}}, 400, "$.preferred_skills[...]"),
        ({"service_level_target": 1.5}, 400, "$.service_level_target"),
        ({"units": {"email": 0}}, 400, "$.units[...]"),
        ({"choice": "tallest"}, 400, "$.choice"),
        ({"relaxation": [{"after_seconds": -1}]}, 400, "$.relaxation[0].after_seconds"),
        ({"relaxation": [{"after_seconds": 1, "colour": "red"}]}, 400, "$.relaxation[0].colour"),
        ({"opening_hours": {"time_zone": "Mars/Olympus", "weekly": {}}}, 409, "$.opening_hours.time_zone"),
        ({"opening_hours": {"time_zone": "UTC", "weekly": {"sunday": []}}}, 400, WEEKLY),
        ({"opening_hours": {"time_zone": "UTC", "weekly": {"mon": [["9", "10"]]}}}, 400, f"{WEEKLY}[...][0][0]"),
        ({"relaxation": [{"after_seconds": 9, "lower": {"ghost": 1}}]}, 409, "$.relaxation[0].lower"),
        ({"overflow": [{"when": "waited", "limit": 5, "to_queue_id": "nowhere"}]}, 400, "$.overflow[0].to_queue_id"),
        ({"overflow": [{**TOLD, "words": {"zh": "回电"}}]}, 409, "$.overflow[0]"),
        ({"overflow": [{**TOLD, "words": {"otherwise": " "}}]}, 409, "$.overflow[0].words.otherwise"),
    ],
)  # fmt: skip
def test_a_queue_that_cannot_be_is_refused_with_the_place(
    administrator: Caller, wrong: dict[str, Any], status: int, field: str
) -> None:
    answer = administrator.post("/v1/queues", {"name": "Returns", **wrong})

    assert (answer.status_code, field_of(answer)) == (status, field), answer.text


def test_the_policy_shows_all_that_it_was_given(deployment: Deployment, administrator: Caller) -> None:
    deployment.known(administrator.done("/v1/policy/define", policy.EXAMPLE)["position"])
    shown = administrator.shown("/v1/policy")
    deployment.known(administrator.done("/v1/policy/define", {})["position"])

    assert {name: shown["rules"][name] for name in policy.EXAMPLE} == policy.EXAMPLE
    assert shown["number"] >= 1
    assert len(shown["sha256"]) == 64


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"tiers": {"vip": 100_000}}, 400, "$.tiers[...]"),
        ({"weights": {"skill": -1}}, 400, "$.weights.skill"),
        ({"lost_connection_seconds": 1}, 400, "$.lost_connection_seconds"),
        ({"blocks": {"call": "chat"}}, 400, "$.blocks[...]"),
        ({"blocks": {"dance": ["chat"]}}, 409, "$.blocks.dance"),
        ({"language_level": 0}, 400, "$.language_level"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_with_the_place(
    administrator: Caller, wrong: dict[str, Any], status: int, field: str
) -> None:
    answer = administrator.post("/v1/policy/define", wrong)

    assert (answer.status_code, field_of(answer)) == (status, field), answer.text


def test_an_agent_shows_skills_that_end_groups_and_channels(administrator: Caller) -> None:
    made = administrator.done(
        "/v1/agents", {"name": "Kim", **agents.SKILLS_EXAMPLE, "groups": ["night shift"], "channels": ["phone"]}
    )
    path = f"/v1/agents/{made['agent_id']}"
    first = administrator.shown(path, params={"min_position": made["position"]})["agent"]

    administrator.done(f"{path}/set_eligibility", agents.ELIGIBILITY_EXAMPLE)
    set_anew = administrator.done(f"{path}/assign_skills", {"skills": {"returns": 7}})
    then = administrator.shown(path, params={"min_position": set_anew["position"]})["agent"]

    assert first["skills"] == agents.SKILLS_EXAMPLE["skills"]
    assert first["skills_end"] == agents.SKILLS_EXAMPLE["expires"]
    assert (first["groups"], first["channels"]) == (["night shift"], ["phone"])
    assert (then["skills"], then.get("skills_end")) == ({"returns": 7}, None)
    assert (then["groups"], sorted(then["channels"])) == (["day shift"], ["email", "webchat"])


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_outside_all_calendars_is_refused_by_field(administrator: Caller, moment: str) -> None:
    made = administrator.done("/v1/agents", {"name": "Kim", "skills": {"a": 1}})
    taught = {"skills": {"a": 1}, "expires": {"a": moment}}

    answers = [
        administrator.post("/v1/agents", {"name": "Kim", **taught}),
        administrator.post(f"/v1/agents/{made['agent_id']}/assign_skills", taught),
    ]

    assert [(one.status_code, field_of(one)) for one in answers] == [(400, "$.expires.a")] * 2


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_first_and_the_last_moment_are_taken(administrator: Caller, moment: str) -> None:
    made = administrator.done("/v1/agents", {"name": "Kim", "skills": {"a": 1}, "expires": {"a": moment}})

    shown = administrator.shown(f"/v1/agents/{made['agent_id']}", params={"min_position": made["position"]})

    assert shown["agent"]["skills_end"] == {"a": moment}


def test_only_a_skill_that_the_agent_has_can_expire(administrator: Caller) -> None:
    answer = administrator.post(
        "/v1/agents", {"name": "Kim", "skills": {"returns": 3}, "expires": {"ghost": "2027-01-01T00:00:00Z"}}
    )

    assert (answer.status_code, field_of(answer)) == (409, "$.expires")
