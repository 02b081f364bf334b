"""The router and the rules told a second time agree, whatever policies and queues say. A failure names its seed."""

from collections import Counter
from datetime import timedelta

import pytest

from application.proofs.audit import RoutingAudit
from domain.assignment import ConversationOffered
from domain.policy import ChoiceRule
from tests.application.proofs.rich_days import WAITS_SECONDS, RichDay

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rich_day_has_no_counterexample(seed: int) -> None:
    day = RichDay(seed)
    day.live(150)
    audit = RoutingAudit(timedelta(seconds=max(WAITS_SECONDS)), look_ahead_events=50)

    for recorded in day.shop.log:
        audit.take(recorded)
    audit.finish(day.shop.now)

    assert audit.findings == []
    assert audit.decisions > 0


def test_the_days_are_rich() -> None:
    preferences, rules, topics = Counter[str](), Counter[str](), Counter[str]()

    for seed in SEEDS:
        day = RichDay(seed)
        day.live(150)
        topics.update(recorded.topic for recorded in day.shop.log)
        for recorded in day.shop.log:
            event = recorded.event
            if isinstance(event, ConversationOffered) and event.choice is not None:
                preferences[event.choice.preference] += 1
                rules[event.choice.rule] += 1

    assert preferences.keys() == {"", "preferred_skills", "known_agent"}
    assert rules.keys() == set(ChoiceRule)
    assert min(topics["conversation.relaxed"], topics["conversation.overflowed"]) > 5
