"""A lane as a value: what leaves, what waits for what, and how long."""

from datetime import UTC, datetime, timedelta

from application.exchange.budget import Budget
from application.exchange.lanes import Lane, Result, Waiting
from application.exchange.limits import Limits, Rate
from application.exchange.sending import Accepted, Refusal, Rejected
from domain.account import Account
from domain.event import Recorded
from domain.interaction import ReplyWritten

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WORKING = Account(id="account-1")
ARRIVED = Result(outcome=Accepted(provider_id="p"))


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_lane(**limits: object) -> Lane:
    budget = Budget(Limits(rates=(Rate(1_000, 1.0),), **limits))  # type: ignore[arg-type]
    return Lane("account-1", budget, lambda told: told)


def waiting(conversation: str, position: int) -> Waiting:
    reply = ReplyWritten(
        conversation_id=conversation,
        message_id=f"message-{position}",
        channel="webchat",
        account_id="account-1",
        handle=conversation,
        text="Hi",
        agent_id="agent-1",
    )
    written = Recorded(
        event=reply,
        topic=reply.TOPIC,
        stream="customer-1",
        version=position,
        position=position,
        occurred_at=NOON,
        recorded_at=NOON,
        actor="agent-1",
    )
    return Waiting(written=written, reply=reply, position=position, asked_at=NOON)


def not_now(again_at: datetime, *, concerns_account: bool = True) -> Result:
    refused = Rejected(reason="busy", refusal=Refusal.RETRY_LATER, concerns_account=concerns_account)
    return Result(outcome=refused, is_over=False, again_at=again_at)


def test_one_reply_of_each_conversation_is_under_way() -> None:
    lane, first, second, other = a_lane(), waiting("a", 1), waiting("a", 2), waiting("b", 3)
    for one in (first, second, other):
        lane.add(one, NOON)

    assert lane.due(WORKING, NOON) == [first, other]
    assert lane.due(WORKING, NOON) == []

    lane.ended(first, ARRIVED, WORKING, NOON)
    assert lane.due(WORKING, NOON) == [second]


def test_no_more_are_under_way_than_the_account_takes_at_once() -> None:
    lane, all_of_them = a_lane(at_once_max=2), [waiting(name, place) for place, name in enumerate("abc", start=1)]
    for one in all_of_them:
        lane.add(one, NOON)

    assert lane.due(WORKING, NOON) == all_of_them[:2]


def test_after_a_setback_one_goes_ahead_alone() -> None:
    lane, all_of_them = a_lane(), [waiting(name, place) for place, name in enumerate("abc", start=1)]
    lane.add(all_of_them[0], NOON)
    lane.due(WORKING, NOON)
    lane.ended(all_of_them[0], not_now(after(10)), WORKING, NOON)
    for one in all_of_them[1:]:
        lane.add(one, NOON)

    assert (lane.due(WORKING, after(9)), lane.next_at) == ([], after(10))
    (probe,) = lane.due(WORKING, after(10))
    lane.ended(probe, ARRIVED, WORKING, after(11))

    assert len(lane.due(WORKING, after(11))) == 2


def test_what_somebody_else_settled_leaves_the_lane_unless_it_is_under_way() -> None:
    lane, first, second = a_lane(), waiting("a", 1), waiting("a", 2)
    lane.add(first, NOON)
    lane.add(second, NOON)
    lane.due(WORKING, NOON)

    assert lane.drop(first, NOON) is False
    assert lane.drop(second, NOON) is True
    lane.ended(first, ARRIVED, WORKING, NOON)

    assert lane.is_empty
    assert lane.due(WORKING, NOON) == []


def test_a_dropped_head_makes_way_for_the_next() -> None:
    lane, first, second = a_lane(), waiting("a", 1), waiting("a", 2)
    lane.add(first, NOON)
    lane.add(second, NOON)

    lane.drop(first, NOON)

    assert lane.due(WORKING, NOON) == [second]


def test_what_waits_for_its_own_time_does_not_hold_up_the_others() -> None:
    lane, slow, other = a_lane(), waiting("a", 1), waiting("b", 2)
    lane.add(slow, NOON)
    lane.due(WORKING, NOON)
    lane.ended(slow, not_now(after(3_600), concerns_account=False), WORKING, NOON)
    lane.add(other, NOON)

    assert lane.due(WORKING, NOON) == [other]
    lane.ended(other, ARRIVED, WORKING, NOON)
    assert (lane.due(WORKING, NOON), lane.next_at) == ([], after(3_600))
    assert lane.due(WORKING, after(3_600)) == [slow]


def test_what_cannot_be_looked_at_is_looked_at_ever_more_rarely() -> None:
    lane, one = a_lane(), waiting("a", 1)
    lane.add(one, NOON)
    lane.add(waiting("a", 2), NOON)
    stuck, now, gaps = Result(is_over=False, stuck_because="it cannot be read"), NOON, list[float]()

    for _ in range(10):
        assert lane.due(WORKING, now) == [one]
        lane.ended(one, stuck, WORKING, now)
        assert lane.due(WORKING, now) == []
        assert lane.next_at is not None
        gaps.append((lane.next_at - now).total_seconds())
        now = lane.next_at

    assert gaps == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert lane.health(now).stuck == 1
    assert lane.due(WORKING, now) == [one]
    lane.ended(one, ARRIVED, WORKING, now)
    assert lane.health(now).stuck == 0


def test_what_could_not_be_read_earlier_takes_its_place_in_its_conversation() -> None:
    lane, first, second, third = a_lane(), waiting("a", 1), waiting("a", 2), waiting("a", 3)
    lane.add(third, NOON)
    lane.add(first, NOON)
    assert lane.due(WORKING, NOON) == [first]
    lane.add(second, NOON)

    lane.ended(first, ARRIVED, WORKING, NOON)

    assert lane.due(WORKING, NOON) == [second]


def test_nothing_takes_the_place_of_what_is_under_way() -> None:
    lane, first, second = a_lane(), waiting("a", 1), waiting("a", 2)
    lane.add(second, NOON)
    assert lane.due(WORKING, NOON) == [second]
    lane.add(first, NOON)

    lane.ended(second, ARRIVED, WORKING, NOON)

    assert lane.due(WORKING, NOON) == [first]
