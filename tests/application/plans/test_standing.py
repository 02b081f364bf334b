"""A document that stands already is judged all the same: what is wrong with it is told, and refuses nothing."""

import pytest
from msgspec.structs import replace

from application.plans.document import read_document
from application.plans.judging.judge import judge_standing
from application.plans.situation import Situation
from domain.agent import Work
from domain.queue import Limit, OverflowRule, Queue, QueueDefinition
from tests.application.plans.situations import RETURNS, SALES, a_shop, reasons, waiting_in


def a_shop_where(sales: QueueDefinition, waiting: int = 2) -> Situation:
    """Sales stand so, and some work waits there."""
    shop = a_shop(waiting=[waiting_in(SALES, number) for number in range(waiting)])
    return replace(shop, queues=shop.queues | {SALES: Queue(definition=sales)})


def told_as_it_stands(text: str, shop: Situation) -> list[str]:
    problems = judge_standing(read_document(text, shop.queues), shop)
    assert all(problem.is_warning for problem in problems)
    return [f"{problem.path}: {problem.reason}" for problem in problems]


def test_work_that_nobody_can_serve_now_is_told() -> None:
    shop = a_shop_where(QueueDefinition(name="Sales", required_skills={"klingon": 9}))

    assert told_as_it_stands("queues: {Sales: {required_skills: {klingon: 9}}}", shop) == [
        "queues.Sales.required_skills.klingon: nobody has this skill",
        "queues.Sales: 2 conversations wait in 'Sales' that nobody can serve",
    ]


def test_where_all_can_be_served_nothing_is_told() -> None:
    assert told_as_it_stands("queues: {Sales: {}}", a_shop_where(QueueDefinition(name="Sales"))) == []


def test_what_was_said_without_company_is_told_and_refuses_nothing() -> None:
    rule = OverflowRule(when=Limit.WAITED, limit=5, to_queue_id=RETURNS, within_seconds=7_200)
    shop = a_shop_where(QueueDefinition(name="Sales", overflow=(rule,)))
    text = "queues: {Sales: {overflow: [{when: waited, limit: 5, to_queue: Returns, within_seconds: 7200}]}}"

    assert told_as_it_stands(text, shop) == ["queues.Sales.overflow[0].within_seconds: this counts only with a promise"]


TODAY = "opening_hours: {time_zone: UTC, weekly: {}, special: {2026-11-11: [['09:00', '18:00']]}}"
FOR_GOOD = "queues.Sales.opening_hours: after 2026-11-11 it is never open again: no weekday has hours"


@pytest.mark.parametrize(
    ("fields", "waiting", "found"),
    [
        (TODAY, 0, f"warning: {FOR_GOOD}"),
        (TODAY, 2, f"{FOR_GOOD}, and work waits in it"),
        (f"{TODAY}, overflow: [{{when: closed, to_queue: Returns}}]", 2, f"warning: {FOR_GOOD}"),
        (f"{TODAY}, overflow: [{{when: length, limit: 9, to_queue: Returns}}]", 2, f"{FOR_GOOD}, and work waits in it"),
    ],
)
def test_a_queue_that_closes_for_good_keeps_no_work(fields: str, waiting: int, found: str) -> None:
    shop = a_shop_where(QueueDefinition(name="Sales"), waiting)

    assert reasons(f"queues: {{Sales: {{{fields}}}}}", shop) == [found]


def test_special_days_beside_a_week_are_no_end() -> None:
    week = TODAY.replace("weekly: {}", "weekly: {fri: [['09:00', '18:00']]}")

    assert reasons(f"queues: {{Sales: {{{week}}}}}", a_shop_where(QueueDefinition(name="Sales"))) == []


def test_who_is_busy_counts_as_if_they_held_nothing() -> None:
    shop, document = a_shop(), "queues: {Returns: {required_skills: {returns: 3}, units: {phone: 6}}}"
    call = Work("customer-1", 6, "phone", "call")
    busy = {agent_id: replace(one, work={"conversation-1": call}) for agent_id, one in shop.agents.items()}

    assert told_as_it_stands(document, replace(shop, agents=busy)) == told_as_it_stands(document, shop)
