"""The newest events in memory: an unbroken run, or nothing."""

from domain.event import Recorded
from infrastructure.log.tail import Tail
from tests.log.situations import ANNA, NOON, named


def events(*positions: int, topic: str = "customer.named") -> list[Recorded]:
    return [
        Recorded(event=named(), topic=topic, stream=ANNA, version=position, position=position, occurred_at=NOON,
                 recorded_at=NOON, actor="agent-1")
        for position in positions
    ]  # fmt: skip


def a_tail(*positions: int, at: int = 0, events_max: int = 100) -> Tail:
    tail = Tail(events_max, bytes_max=1_000)
    tail.restart(at)
    extend(tail, at, *positions)
    return tail


def extend(tail: Tail, after: int, *positions: int, topic: str = "customer.named", size_bytes: int = 10) -> bool:
    return tail.extend(after, events(*positions, topic=topic), [size_bytes] * len(positions))


def taken(tail: Tail, after: int, limit: int = 100, topics: tuple[str, ...] = ()) -> tuple[list[int], int] | None:
    answer = tail.take(after, limit, topics)
    return None if answer is None else ([event.position for event in answer[0]], answer[1])


def test_it_answers_from_any_place_it_holds() -> None:
    tail = a_tail(11, 12, 15, at=10)

    assert taken(tail, 9) is None
    assert taken(tail, 10) == ([11, 12, 15], 15)
    assert taken(tail, 12) == ([15], 15)
    assert taken(tail, 13) == ([15], 15), "positions may have holes"
    assert taken(tail, 10, limit=2) == ([11, 12], 12)
    assert taken(tail, 15) == ([], 15)
    assert taken(tail, 99) == ([], 99)


def test_it_takes_no_events_behind_a_gap() -> None:
    tail = a_tail(1, 2)

    assert not extend(tail, 3, 4)
    assert extend(tail, 2, 3)

    assert taken(tail, 0) == ([1, 2, 3], 3)


def test_what_it_has_already_is_taken_once() -> None:
    tail = a_tail(1, 2)

    assert extend(tail, 0, 1, 2, 3)
    assert extend(tail, 1, 2)

    assert taken(tail, 0) == ([1, 2, 3], 3)


def test_with_topics_it_says_how_far_it_looked() -> None:
    tail = a_tail(1, 2)
    extend(tail, 2, 3, 4, topic="customer.registered")
    extend(tail, 4, 5)

    assert taken(tail, 0, topics=("customer.registered",)) == ([3, 4], 5)
    assert taken(tail, 0, limit=1, topics=("customer.registered",)) == ([3], 3)
    assert taken(tail, 4, topics=("customer.registered",)) == ([], 5)


def test_it_keeps_only_the_newest() -> None:
    tail = a_tail(events_max=8)
    for position in range(1, 100):
        extend(tail, position - 1, position)

    assert tail.end == 99
    assert 8 <= tail.end - tail.start <= 10
    assert taken(tail, tail.start - 1) is None
    assert taken(tail, tail.start) == (list(range(tail.start + 1, 100)), 99)


def test_large_events_leave_room_for_fewer() -> None:
    tail = a_tail(1, 2, 3)
    extend(tail, 3, 4, 5, size_bytes=450)
    assert taken(tail, 0) == ([1, 2, 3, 4, 5], 5)

    extend(tail, 5, 6, size_bytes=450)

    assert taken(tail, 3) is None
    assert taken(tail, 4) == ([5, 6], 6)


def test_an_event_larger_than_the_tail_is_left_to_the_database() -> None:
    tail = a_tail(1)

    extend(tail, 1, 2, size_bytes=5_000)

    assert (tail.start, tail.end) == (2, 2)
