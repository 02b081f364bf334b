"""The comparison: the same seeds for both scenarios, bands over all runs, and a picture that any browser shows."""

from functools import cache

import msgspec
import pytest
from defusedxml import ElementTree

from application.plans.plan import Plan
from application.whatif.figures.ledger import EVERY_QUEUE
from application.whatif.figures.plot import svg
from application.whatif.figures.report import MEASURES, Report, is_starved, report_of
from application.whatif.replications import Runs
from application.whatif.roster import roster_from
from application.whatif.scenario import scenario_of
from domain.queue import QueueDefinition
from tests.application.whatif.situations import a_history, played

RUNS = 4
TITLE = "What if: +1 & <Mei>"


@cache
def a_report(*roster: str) -> Report:
    """Two agents who are too few, and perhaps more of them."""
    history = a_history(
        queues={"queue-1": {}},
        agents=[{}, {}],
        per_second=1 / 50,
        contacts=120,
        handling_seconds=90.0,
        patience_seconds=120.0,
    )
    scenarios = [scenario_of(history), *([scenario_of(history, roster=roster_from(list(roster)))] if roster else [])]
    yardstick = scenarios[0].yardstick
    return report_of(
        played(history, "recorded")[0].finish(yardstick),
        Runs(history, scenarios, yardstick, seed=1).all(RUNS),
        since=history.since,
        until=history.until,
        seed=1,
        yardstick=yardstick,
        queues={"queue-1": "Returns"},
    )


def test_another_agent_shortens_waits_clearly() -> None:
    report = a_report("+1")

    assert report.what_if is not None
    assert report.change is not None
    wait = report.change[EVERY_QUEUE]["mean_wait_seconds"]
    assert wait.high < 0
    assert report.change[EVERY_QUEUE]["service_level"].is_clear
    assert set(report.what_if[EVERY_QUEUE]) == {measure.name for measure in MEASURES}


def test_without_a_difference_there_is_no_change_at_all() -> None:
    """The same seed gives both the same luck, so that only what is different makes a difference."""
    same = a_report("agent-000@6")

    assert same.change is not None
    assert {name: (band.low, band.high) for name, band in same.change[EVERY_QUEUE].items()} == {
        measure.name: (0.0, 0.0) for measure in MEASURES
    }


def test_a_queue_that_nobody_serves_makes_no_figure_of_all_queues_better() -> None:
    history = a_history(
        queues={"queue-1": {}, "queue-2": {}}, agents=[{}] * 3, per_second=1 / 50, contacts=120, handling_seconds=120.0
    )
    definition = QueueDefinition(name="queue-2", required_skills={"rare": 9}, service_level_seconds=30)
    scenarios = [scenario_of(history), scenario_of(history, Plan(queues={"queue-2": definition}))]
    yardstick = scenarios[1].yardstick
    report = report_of(
        played(history, "recorded")[0].finish(yardstick),
        Runs(history, scenarios, yardstick, seed=1).all(RUNS),
        since=history.since,
        until=history.until,
        seed=1,
        yardstick=yardstick,
        queues={},
    )

    assert report.change is not None
    changes = report.change[EVERY_QUEUE]
    better = {one.name for one in MEASURES if changes[one.name].mean * one.better > 0}
    assert not better - {"fairness", "median_wait_seconds"}, better
    assert is_starved(report, EVERY_QUEUE)


def test_in_the_file_what_was_not_measured_is_null() -> None:
    written = msgspec.json.decode(msgspec.json.encode(a_report()))

    assert (written["what_if"], written["replications"], written["queues"]) == (None, RUNS, {"queue-1": "Returns"})
    assert set(written["as_it_was"][""]["service_level"]) == {"mean", "low", "high", "runs_low", "runs_high"}


def test_runs_in_other_processes_come_to_the_same() -> None:
    history = a_history(queues={"queue-1": {}}, agents=[{}], per_second=1 / 50, contacts=10, handling_seconds=30.0)
    scenario = scenario_of(history)
    runs = Runs(history, [scenario], scenario.yardstick, seed=3)

    alone, shared = dict(runs.all(2)), dict(runs.all(2, workers=2))

    assert msgspec.json.encode(sorted(alone.items())) == msgspec.json.encode(sorted(shared.items()))


@pytest.mark.parametrize("roster", [(), ("+1",)], ids=["as it was", "what if"])
def test_the_picture_names_its_axes_its_units_and_its_curves(roster: tuple[str, ...]) -> None:
    picture = svg(a_report(*roster), TITLE)

    texts = ["".join(text.itertext()) for text in ElementTree.fromstring(picture).iter() if text.tag.endswith("text")]
    assert TITLE in texts
    assert {"recorded", "simulated as it was", "time of arrival (UTC)", "bands hold 90 % of single runs"} <= set(texts)
    assert ("what if" in texts) == bool(roster)
    assert any(text.endswith(("(s)", "(min)")) for text in texts)
    assert "Abandoned (%)" in texts
    assert "12:30" in texts
    assert "nan" not in picture
