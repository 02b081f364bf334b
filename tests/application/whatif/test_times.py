"""How long things take is estimated with those whose end nobody saw, and borrowed where few were seen."""

from datetime import timedelta

import pytest

from application.whatif.recorded.times import ENOUGH, Observation, Times, TimesByWork

END = "answered"


def drawn(times: Times, *chances: float) -> list[float | None]:
    return [end[0].total_seconds() if (end := times.draw(chance)) else None for chance in chances]


def test_what_all_ended_is_drawn_as_often_as_it_was_seen() -> None:
    times = Times([(3.0, END), (1.0, END), (2.0, END), (4.0, END)])

    assert drawn(times, 0.0, 0.24, 0.25, 0.5, 0.99) == [1.0, 1.0, 2.0, 3.0, 4.0]


def test_a_censored_time_makes_the_later_ends_likelier() -> None:
    """The example of every textbook: 1, 2+, 3, 4+ gives a survival of 3/4 after 1 and of 3/8 after 3."""
    times = Times([(1.0, END), (2.0, None), (3.0, END), (4.0, None)])

    assert drawn(times, 0.24, 0.26, 0.624, 0.626) == [1.0, 3.0, 3.0, None]
    assert times.longest == timedelta(seconds=4)


def test_an_end_at_the_moment_of_a_censoring_counts_before_it() -> None:
    assert drawn(Times([(1.0, None), (1.0, END)]), 0.49, 0.51) == [1.0, None]


def test_where_nobody_saw_an_end_nothing_is_drawn() -> None:
    assert drawn(Times([(5.0, None)] * 3), 0.0, 0.9) == [None, None]
    assert Times([]).draw(0.0) is None


def test_an_end_is_drawn_with_what_it_was() -> None:
    times = Times([(1.0, "accepted"), (2.0, "declined")])

    assert times.draw(0.1) == (timedelta(seconds=1), "accepted")
    assert times.draw(0.9) == (timedelta(seconds=2), "declined")


@pytest.mark.parametrize(("own", "expected"), [(ENOUGH, 1.0), (ENOUGH - 1, 2.0)], ids=["enough", "too few"])
def test_a_queue_with_few_observations_borrows_from_its_channel(own: int, expected: float) -> None:
    def seen(seconds: float, times: int) -> list[Observation]:
        return [(seconds, END)] * times

    by_work = TimesByWork(
        {("returns", "phone"): seen(1.0, own), ("other", "phone"): seen(2.0, 1_000), ("other", "email"): seen(9.0, 99)}
    )

    assert drawn(by_work.of("returns", "phone"), 0.9) == [expected]
    assert drawn(by_work.of("returns", "fax"), 0.999) == [9.0]
