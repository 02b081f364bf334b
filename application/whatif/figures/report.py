"""Recorded, simulated as it was, and what if, side by side: the report that a table, a file and a plot are made of."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import nan

import msgspec

from application.plans.problems import Problem
from application.whatif.figures.bands import Band, band, change
from application.whatif.figures.counting import Yardstick
from application.whatif.figures.ledger import SERIES, Tally
from application.whatif.replications import Run

AS_IT_WAS, WHAT_IF = 0, 1
"""The scenarios by their numbers."""


class Measure(msgspec.Struct, frozen=True):
    """One figure: what it is called, in what it is told, and whether more of it is better."""

    name: str
    label: str
    unit: str
    """`s`, `share`, `index` or `count`."""
    better: int = 0
    """1: more is better; -1: less is; 0: neither."""


MEASURES = (
    Measure("contacts", "contacts", "count"),
    Measure("waiting", "still waiting", "count", -1),
    Measure("waiting_share", "  of all contacts", "share", -1),
    Measure("oldest_waiting_seconds", "  the oldest for", "s", -1),
    Measure("mean_wait_seconds", "mean wait", "s", -1),
    Measure("median_wait_seconds", "median wait", "s", -1),
    Measure("p90_wait_seconds", "90th percentile", "s", -1),
    Measure("service_level", "service level", "share", 1),
    Measure("service_level_answered", "  abandoned left out", "share", 1),
    Measure("abandonment", "abandoned", "share", -1),
    Measure("promised", "promised", "share"),
    Measure("occupancy", "occupancy", "share"),
    Measure("fairness", "fairness", "index", 1),
)
OF_EVERY_QUEUE = frozenset({"occupancy", "fairness"})
"""Agents serve many queues, so these are told for all queues together only."""
Bands = dict[str, dict[str, Band]]
"""By queue (empty: all together) and measure."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole comparison. As JSON, what could not be measured is null.

    Example: `{"replications": 20, "recorded": {"": {"service_level": 0.81}}, "as_it_was": {"": {"service_level":
    {"mean": 0.806, "low": 0.802, "high": 0.81, "runs_low": 0.79, "runs_high": 0.82}}}}`
    """

    since: datetime
    until: datetime
    seed: int
    replications: int
    targets: Mapping[str, float]
    """By queue: the seconds within which its work should be answered, in all columns alike."""
    queues: Mapping[str, str]
    """Names by id."""
    policy_problems: Sequence[Problem] = ()
    """For which the policy that is tried would be refused, or applied only by who insists."""
    work_without_end: float = nan
    """The part of all recorded work of which the record tells no end; simulated, it lasts longer than that, which is
    why the simulated occupancy may be higher than the recorded one."""
    recorded: dict[str, dict[str, float]]
    as_it_was: Bands
    """Simulated with the recorded rules and agents: how far the simulation itself can be believed."""
    what_if: Bands | None = None
    change: Bands | None = None
    """What if against simulated as it was, run by run."""
    interval_seconds: int
    recorded_series: dict[str, list[float]]
    as_it_was_series: dict[str, list[Band]]
    what_if_series: dict[str, list[Band]] | None = None


def report_of(
    recorded: Tally,
    runs: Iterable[tuple[Run, Tally]],
    *,
    since: datetime,
    until: datetime,
    seed: int,
    yardstick: Yardstick,
    queues: Mapping[str, str],
    policy_problems: Sequence[Problem] = (),
    work_without_end: float = nan,
) -> Report:
    """Of everything that was simulated."""
    by_scenario: dict[int, list[Tally]] = {}
    for (scenario, _), tally in sorted(runs, key=lambda one: one[0]):
        by_scenario.setdefault(scenario, []).append(tally)
    was, what_if = by_scenario[AS_IT_WAS], by_scenario.get(WHAT_IF)
    return Report(
        since=since,
        until=until,
        seed=seed,
        replications=len(was),
        targets=yardstick.targets,
        queues=queues,
        policy_problems=policy_problems,
        work_without_end=work_without_end,
        recorded=recorded.measures,
        as_it_was=_bands(was),
        what_if=_bands(what_if) if what_if else None,
        change=_changes(was, what_if) if what_if else None,
        interval_seconds=yardstick.width_seconds,
        recorded_series=recorded.series,
        as_it_was_series=_series(was),
        what_if_series=_series(what_if) if what_if else None,
    )


def is_starved(report: Report, queue_id: str) -> bool:
    """Whether what if clearly leaves more of its contacts waiting: it must not look better for that."""
    more = report.change.get(queue_id, {}).get("waiting") if report.change is not None else None
    return more is not None and more.low > 0


def _values(tallies: Sequence[Tally], queue_id: str, name: str) -> list[float]:
    return [tally.measures.get(queue_id, {}).get(name, nan) for tally in tallies]


def _places(tallies: Sequence[Tally]) -> list[tuple[str, str]]:
    """Every queue and measure that there is, each once."""
    return list(dict.fromkeys((key, name) for tally in tallies for key, own in tally.measures.items() for name in own))


def _bands(tallies: Sequence[Tally]) -> Bands:
    bands: Bands = {}
    for queue_id, name in _places(tallies):
        bands.setdefault(queue_id, {})[name] = band(_values(tallies, queue_id, name))
    return bands


def _changes(before: Sequence[Tally], after: Sequence[Tally]) -> Bands:
    bands: Bands = {}
    for queue_id, name in _places(after):
        changed = change(_values(before, queue_id, name), _values(after, queue_id, name))
        bands.setdefault(queue_id, {})[name] = changed
    return bands


def _series(tallies: Sequence[Tally]) -> dict[str, list[Band]]:
    return {
        name: [band(values) for values in zip(*(tally.series[name] for tally in tallies), strict=True)]
        for name in SERIES
    }
