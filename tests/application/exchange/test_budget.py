"""What an account may still send: by its rates, to one person, and by what its settings say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.exchange.budget import Budget
from application.exchange.limits import Limits, Rate, backoff_seconds, limits_of
from channels.edge.limits import LIMITS
from channels.table import CHANNELS, check_definition
from domain.account import AccountDefinition, AccountInvalid

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_as_many_leave_at_once_as_the_rate_allows_and_then_none() -> None:
    budget = Budget(Limits(rates=(Rate(2, 10.0),)))

    budget.spend("a", NOON)
    budget.spend("b", after(4))

    assert budget.free_at(after(5)) == after(10)
    assert budget.free_at(after(10)) == after(10)


def test_of_two_rates_the_tighter_counts_at_each_moment() -> None:
    x = Budget(LIMITS["x"])
    for _ in range(15):
        x.spend("a", NOON)
    assert x.free_at(NOON) == after(900)

    for quarter in range(1, 96):
        for _ in range(15):
            x.spend("a", after(900 * quarter))

    assert x.free_at(after(900 * 96 - 1)) == after(86_400), "1,440 a day"


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_no_span_of_time_ever_holds_more_than_the_rate(gaps: list[float]) -> None:
    budget, now, sent = Budget(Limits(rates=(Rate(3, 10.0),))), NOON, []
    for gap in gaps:
        now = budget.free_at(now + timedelta(seconds=gap))
        budget.spend("a", now)
        sent.append(now)

    assert all(later - earlier >= timedelta(seconds=10) for earlier, later in zip(sent, sent[3:], strict=False))


def test_a_clock_that_is_set_back_costs_no_more_than_the_period() -> None:
    budget = Budget(Limits(rates=(Rate(1, 1.0), Rate(3, 60.0)), gap_seconds=5.0))
    for second in range(3):
        budget.spend("a", after(second))

    back = after(-3_600)

    assert budget.free_at(back) == back + timedelta(seconds=60)
    assert budget.free_at(after(-3_590)) == back + timedelta(seconds=60), "it counts from when it was noticed"
    assert budget.free_for("a", after(-3_598)) == after(-3_595)
    assert budget.free_for("b", after(-3_598)) == after(-3_598)


def test_one_person_is_spared_and_others_are_not() -> None:
    budget = Budget(LIMITS["whatsapp"])

    budget.spend("+49301", NOON)

    assert budget.free_for("+49301", after(1)) == after(6)
    assert budget.free_for("+49302", after(1)) == after(1)
    assert budget.free_at(after(1)) == after(1)


def test_what_was_sent_counts_also_under_new_limits() -> None:
    budget = Budget(Limits(rates=(Rate(5, 60.0),)))
    for second in range(3):
        budget.spend("a", after(second))

    budget.change(Limits(rates=(Rate(2, 60.0),)))

    assert budget.free_at(after(3)) == after(61)


def test_an_account_may_have_limits_of_its_own() -> None:
    settings = {
        "sends_per_second": "1000",
        "recipient_gap_seconds": "0",
        "sends_at_once": "50",
        "retry_for_seconds": "60",
    }

    whatsapp = limits_of(LIMITS["whatsapp"], settings)
    x = limits_of(LIMITS["x"], {"sends_per_second": "0.2"})

    assert (whatsapp.rates, whatsapp.gap_seconds, whatsapp.at_once_max) == ((Rate(1_000, 1.0),), 0.0, 50)
    assert (whatsapp.retry_for, whatsapp.window) == (timedelta(minutes=1), timedelta(days=1))
    assert x.rates == (Rate(1, 5.0), Rate(1_440, 86_400.0)), "the day's rate stays"


@pytest.mark.parametrize(
    "settings",
    [
        {"sends_per_second": "0"},
        {"sends_per_second": "many"},
        {"sends_per_second": "nan"},
        {"recipient_gap_seconds": "-0.5"},
        {"sends_at_once": "101"},
        {"retry_for_seconds": "inf"},
    ],
)
def test_limits_that_make_no_sense_are_refused_when_the_account_is_defined(settings: dict[str, str]) -> None:
    definition = AccountDefinition(channel="adapter", name="ERP", queue_id="queue-1", settings=settings)

    with pytest.raises(AccountInvalid, match=f"settings.{next(iter(settings))}"):
        check_definition(definition)


def test_pauses_double_up_to_the_limit_and_chance_takes_up_to_half() -> None:
    limits = Limits(backoff_seconds_max=60.0)

    assert [backoff_seconds(attempt, limits, 1.0) for attempt in (1, 2, 3, 9, 10_000)] == [2, 4, 8, 60, 60]
    assert backoff_seconds(3, limits, 0.0) == 4


def test_every_channel_has_the_limits_of_its_provider() -> None:
    assert CHANNELS["whatsapp"].limits is LIMITS["whatsapp"]
    assert CHANNELS["whatsapp"].limits.window == timedelta(days=1)
    assert CHANNELS["webchat"].limits.window is None
    assert {name: one.window for name, one in LIMITS.items() if one.window and one.window != timedelta(days=1)} == {
        "messenger": timedelta(days=7),
        "instagram": timedelta(days=7),
        "wechat": timedelta(days=2),
        "wecom": timedelta(days=2),
    }
