"""A document is judged beside the shop: what could not work, or would strand work, is told with its place."""

import pytest
from msgspec.structs import replace

from application.plans.situation import Situation
from domain.policy import RoutingPolicy
from domain.queue import Limit, OverflowRule, Queue, QueueDefinition
from tests.application.plans.situations import (
    RETURNS,
    SALES,
    a_shop,
    a_shop_without_agents,
    an_account,
    reasons,
    told,
    waiting_in,
)

TO_RETURNS = "{when: waited, limit: 9, to_queue: Returns}"
LANGUAGES = RoutingPolicy(language_prefix="lang:")


def a_shop_that_overflows() -> Situation:
    """Returns go to sales when they have waited."""
    shop = a_shop()
    rule = OverflowRule(when=Limit.WAITED, limit=5, to_queue_id=SALES)
    returns = Queue(definition=QueueDefinition(name="Returns", overflow=(rule,)))
    return replace(shop, queues=shop.queues | {RETURNS: returns})


def test_a_document_that_works_has_no_problems() -> None:
    text = """\
policy: {units: {phone: 4}, deadline_lead_seconds: 30, deadline_boost_seconds: 600}
queues:
  Returns:
    required_skills: {returns: 3}
    preferred_skills: {chinese: 2}
    groups: [day]
    relaxation: [{after_seconds: 60, lower: {returns: 1}, widen: [night]}]
    overflow: [{when: waited, limit: 300, to_queue: Sales}]
  Sales: {service_level_seconds: 30, service_level_target: 0.9}
"""

    assert told(text) == []


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        (
            "{required_skills: {retuns: 3}}",
            "queues.A.required_skills.retuns: nobody has this skill; did you mean 'returns'?",
        ),
        ("{preferred_skills: {sales: 1}}", "queues.A.preferred_skills.sales: nobody has this skill"),
        ("{groups: [nite, day]}", "queues.A.groups[0]: nobody is in the group 'nite'; did you mean 'night'?"),
        (
            "{groups: [day], relaxation: [{after_seconds: 1, widen: [evening]}]}",
            "queues.A.relaxation[0].widen[0]: nobody is in the group 'evening'",
        ),
        (
            "{required_skills: {chinese: 5}}",
            "queues.A.required_skills.chinese: nobody has 'chinese' at level 5; the highest is 4",
        ),
        (
            "{required_skills: {chinese: 5}, relaxation: [{after_seconds: 1, lower: {chinese: 5}, drop: [returns]}]}",
            "queues.A.relaxation[0].drop[0]: 'returns' is not asked for by then",
        ),
        (
            "{required_skills: {chinese: 1, spanish: 1}}",
            "queues.A: nobody could ever serve it: no agent has chinese at level 1 and spanish at level 1",
        ),
        (
            "{required_skills: {chinese: 1}, groups: [night]}",
            "queues.A: nobody could ever serve it: no agent has chinese at level 1 and a place in night",
        ),
        (
            "{units: {phone: 7, webchat: 7, whatsapp: 7, email: 9, any other channel: 7}}",
            "queues.A.units: nobody could ever serve it: it takes 7 units, and those who could have at most 6",
        ),
        ("{relaxation: [{after_seconds: 1}]}", "warning: queues.A.relaxation[0]: this step changes nothing"),
        (
            "{relaxation: [{after_seconds: 1, widen: [day]}]}",
            "warning: queues.A.relaxation[0]: this step changes nothing",
        ),
        ("{required_skills: {chinese: 2}}", "warning: queues.A: only one agent could serve it: Mei"),
        (
            "{service_level_target: 0.9}",
            "queues.A.service_level_target: there is no deadline to it: say service_level_seconds too",
        ),
        (
            "{next_reply_seconds: 60}",
            "queues.A.next_reply_seconds: there is no deadline to it: say service_level_seconds too",
        ),
        (
            "{overflow: [{when: waited, limit: 5, to_queue: Sales, within_seconds: 60}]}",
            "queues.A.overflow[0].within_seconds: this counts only with a promise",
        ),
        (
            "{overflow: [{when: closed, to_queue: Sales}]}",
            "queues.A.overflow[0].when: it never closes: it has no opening_hours",
        ),
        (
            "{opening_hours: {time_zone: UTC, weekly: {}}, overflow: [{when: closed, limit: 5, to_queue: Sales}]}",
            "queues.A.overflow[0].limit: `closed` has no limit",
        ),
        ("{opening_hours: {time_zone: UTC, weekly: {}}}", "queues.A.opening_hours: it is never open"),
        (
            "{overflow: [{when: waited, limit: 5, to_queue: Gone}]}",
            "queues.A.overflow[0].to_queue: the queue 'Gone' is retired",
        ),
        (
            "{overflow: [{when: waited, limit: 5, to_queue: A}]}",
            "queues.A.overflow[0].to_queue: work would go round in a circle: A -> A",
        ),
    ],
)
def test_a_queue_that_could_not_work_is_told_with_its_place(queue: str, reason: str) -> None:
    assert reason in reasons(f"queues: {{A: {queue}}}")


def test_a_queue_that_can_be_served_after_its_last_step_is_taken() -> None:
    queue = "{required_skills: {returns: 9, chinese: 4}, relaxation: [{after_seconds: 60, lower: {returns: 5}}]}"

    assert reasons(f"queues: {{A: {queue}}}") == ["warning: queues.A: only one agent could serve it: Mei"]


def test_the_place_is_line_and_column() -> None:
    text = "queues:\n  A:\n    required_skills:\n      lang:zh: 5\n"

    assert told(text) == ["r.yaml:4:7: queues.A.required_skills.lang:zh: nobody has this skill"]


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = """\
queues:
  A: {required_skills: {sales: 1}, overflow: [{when: waited, limit: 5, to_queue: B}]}
  B: {priority: 99, overflow: [{when: waited, limit: 5, to_queue: A}]}
policy: {language_prefix: "speaks:"}
"""

    assert told(text) == [
        "r.yaml:2:25: queues.A.required_skills.sales: nobody has this skill",
        "r.yaml:2:72: queues.A.overflow[0].to_queue: work would go round in a circle: A -> B -> A",
        "r.yaml:3:7: queues.B.priority: 99 is not within 0 to 10",
        "r.yaml:4:10: policy.language_prefix: nobody has a skill that begins with 'speaks:'",
    ]


@pytest.mark.parametrize("when", ["when: waited, limit: 5", "when: length, limit: 5", "when: closed"])
def test_a_circle_is_one_whatever_sends_the_work_round(when: str) -> None:
    hours = "opening_hours: {time_zone: UTC, weekly: {wed: [['00:00', '24:00']]}}"
    rules = ", ".join(
        f"{one}: {{{hours}, overflow: [{{{when}, to_queue: {other}}}]}}" for one, other in ("AB", "BC", "CA")
    )

    assert reasons(f"queues: {{{rules}}}") == [
        "queues.A.overflow[0].to_queue: work would go round in a circle: A -> B -> C -> A"
    ]


def test_a_circle_through_a_queue_that_is_not_named_is_one_too() -> None:
    text = "queues: {Sales: {overflow: [{when: waited, limit: 9, to_queue: Returns}]}}"

    assert reasons(text, a_shop_that_overflows()) == [
        "queues.Sales.overflow[0].to_queue: work would go round in a circle: Sales -> Returns -> Sales"
    ]


def test_nothing_can_be_said_of_agents_where_there_are_none() -> None:
    text = "policy: {language_prefix: x}\nqueues: {A: {required_skills: {returns: 3}, groups: [day]}}"

    assert reasons(text, a_shop_without_agents()) == [
        "warning: nobody is registered as an agent yet: whether skills, groups and capacity fit cannot be told"
    ]


def test_each_channel_that_an_account_brings_must_be_served() -> None:
    shop = a_shop(accounts=[an_account("phone", RETURNS), an_account("webchat", RETURNS)])
    text = "policy: {units: {phone: 7}}\nqueues: {Returns: {required_skills: {spanish: 1}}}"

    assert reasons(text, shop) == [
        f"queues.Returns: nobody could ever serve its work by {channel}: "
        f"no agent has spanish at level 1 and leave to serve {channel}"
        for channel in ("phone", "webchat")
    ]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("{deadline_boost_seconds: 5}", "policy.deadline_boost_seconds: this counts only with deadline_lead_seconds"),
        ("{language_level: 5}", "policy.language_level: this counts only with language_prefix"),
        (
            "{weights: {skill: 5}}",
            "policy.weights: this counts only with the choice `weighted`, here or in a queue",
        ),
        ("{language_prefix: 'speaks:'}", "policy.language_prefix: nobody has a skill that begins with 'speaks:'"),
        (
            "{units_otherwise: 99, units: {}}",
            "policy: by these rules nobody could serve the queue 'Returns' any more (any other channel, email)",
        ),
    ],
)
def test_rules_that_could_not_work_are_told_with_their_place(policy: str, reason: str) -> None:
    assert reason in reasons(f"policy: {policy}")


def test_work_that_waits_now_is_not_stranded_by_a_queue() -> None:
    calls = [waiting_in(SALES, 1, channel="phone"), waiting_in(SALES, 2, channel="phone")]
    waiting = [*calls, waiting_in(SALES, 3, channel="email")]
    text = "queues:\n  Sales: {required_skills: {spanish: 1}}"

    assert told(text, a_shop(waiting=waiting)) == [
        "r.yaml:2:3: queues.Sales: 2 conversations wait in 'Sales' now that nobody could serve any more",
        "r.yaml:2:3: warning: queues.Sales: only one agent could serve it: Ana",
    ]


def test_work_that_goes_on_to_another_queue_in_time_is_not_stranded() -> None:
    text = "queues: {Sales: {required_skills: {spanish: 1}, overflow: [{when: waited, limit: 9, to_queue: Returns}]}}"

    found = reasons(text, a_shop(waiting=[waiting_in(SALES, channel="phone")]))

    assert found == ["warning: queues.Sales: only one agent could serve it: Ana"]


@pytest.mark.parametrize(("relaxation", "is_stranded"), [("", True), ("after_seconds: 5, drop: [spanish]", False)])
@pytest.mark.parametrize(("language", "skills"), [("", {"spanish": 9}), ("nish", {})], ids=["skill", "language"])
def test_work_that_goes_on_takes_along_what_it_has_not_given_up(
    language: str, skills: dict[str, int], relaxation: str, *, is_stranded: bool
) -> None:
    steps = f"relaxation: [{{{relaxation}}}], " if relaxation else ""
    sales = f"units: {{email: 7}}, required_skills: {{spanish: 1}}, {steps}overflow: [{TO_RETURNS}]"
    waiting = waiting_in(SALES, channel="email", language=language)
    waiting.skills = skills
    queues = f"queues: {{Sales: {{{sales}}}, Returns: {{groups: [night]}}}}"

    found = reasons(f"policy: {{language_prefix: spa, language_level: 9}}\n{queues}", a_shop(waiting=[waiting]))

    assert any("1 conversation waits in 'Sales' now" in one for one in found) == is_stranded


def test_work_that_has_been_there_does_not_go_there_again() -> None:
    text = "queues: {Sales: {required_skills: {spanish: 1}, overflow: [{when: waited, limit: 9, to_queue: Returns}]}}"
    waiting = waiting_in(SALES, channel="phone")
    waiting.overflowed_from = (RETURNS,)

    assert any("1 conversation waits in 'Sales' now" in one for one in reasons(text, a_shop(waiting=[waiting])))


def test_work_that_waits_now_is_not_stranded_by_the_rules() -> None:
    waiting = [waiting_in(SALES, language="zh"), waiting_in(SALES, 2)]

    found = told("policy: {language_prefix: chin}", a_shop(waiting=waiting))

    assert found == ["r.yaml:1:1: policy: 1 conversation waits in 'Sales' now that nobody could serve any more"]


def test_work_that_nobody_could_serve_before_holds_nothing_up() -> None:
    shop = a_shop(waiting=[waiting_in(SALES, language="fi")], rules=LANGUAGES)

    assert reasons("queues: {Sales: {priority: 2}}", shop) == []


def test_a_queue_with_work_is_given_up_only_with_another_to_send_it_to() -> None:
    shop = a_shop(waiting=[waiting_in(SALES)], accounts=[an_account("webchat", SALES, "Chat")])

    assert told("queues: {Sales: {retired: true}}", shop) == [
        "r.yaml:1:10: queues.Sales: 1 conversation waits in it: say to_queue",
        "r.yaml:1:10: queues.Sales: the account 'Chat' sends its work here: say to_queue",
    ]
    assert told("queues: {Sales: {retired: true, to_queue: Returns}}", shop) == []


def test_a_queue_is_not_given_up_for_one_that_is_given_up() -> None:
    text = "queues: {Sales: {retired: true, to_queue: Returns}, Returns: {retired: true}}"

    assert reasons(text) == ["queues.Sales.to_queue: the queue 'Returns' is retired"]


def test_a_queue_that_others_overflow_to_is_not_given_up() -> None:
    assert reasons("queues: {Sales: {retired: true}}", a_shop_that_overflows()) == [
        "queues.Sales: the queue 'Returns' overflows to it"
    ]


def test_a_shop_of_many_agents_is_judged_too() -> None:
    shop = a_shop()
    agents = {f"agent-{number}": replace(shop.agents["agent-1"], name=str(number)) for number in range(2_000)}
    large: Situation = replace(shop, agents=agents, waiting=[waiting_in(SALES, number) for number in range(2_000)])
    queues = ", ".join(f"Q{number}: {{required_skills: {{returns: 3}}}}" for number in range(200))

    assert reasons(f"queues: {{{queues}}}", large) == []
