"""A what-if report as tables for a terminal."""

from math import isnan

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from application.whatif.figures.bands import Band
from application.whatif.figures.ledger import EVERY_QUEUE
from application.whatif.figures.report import MEASURES, OF_EVERY_QUEUE, Measure, Report, is_starved

QUEUES_SHOWN = 8
"""Those with the most contacts; the others are in the JSON file."""
MINUTES_FROM_SECONDS = 600
EXPLAINED = (
    "As it was: simulated under the recorded rules, with the recorded agents. Waits are of the answered and, as far as"
    " they have come, of those still waiting at the end. In the service level, who abandoned, was promised a call-back"
    " or still waits beyond the target counts as not answered in time; abandoned is of those who no longer wait."
    " Occupancy: load held of what agents who were available or busy could hold; who is away and still holds work is"
    " full, and simulated agents finish what they hold before they leave. Fairness: 1 if all agents were equally"
    " occupied (Jain's index)."
)
WITHOUT_END_TOLD = 0.05
"""From this part on, work of which the record tells no end makes a difference that a reader should know of."""
STARVED = (
    "What if leaves more contacts waiting at the end than as it was. Who is never served takes nobody's time: in such a"
    " queue no other figure is shown as better."
)
SIMPLIFIED = (
    "Simplified: a conversation is worked on in one piece, its time on hold left out. What is handed on, by an agent or"
    " a supervisor, goes to its queue and to whom the routing chooses, with the skills it came with; nothing is handed"
    " on while it waits. Nobody picks work, nobody is given any in spite of the rules."
)
NOTHING = "-"
"""Where there was nothing to measure."""


def print_comparison(report: Report) -> None:
    """All queues together, then the busiest ones: recorded and simulated side by side."""
    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("recorded", justify="right")
    table.add_column("as it was", justify="right")
    if report.what_if is not None:
        table.add_column("what if", justify="right")
        table.add_column("change", justify="right")
    busiest = sorted(report.recorded, key=lambda key: -report.recorded[key]["contacts"])
    queues = [queue_id for queue_id in busiest if queue_id != EVERY_QUEUE]
    for queue_id in [EVERY_QUEUE, *queues[:QUEUES_SHOWN]]:
        _add_queue(table, report, queue_id)
    console.print(table)
    if is_starved(report, EVERY_QUEUE):
        console.print(f"[red]{STARVED}[/]", highlight=False)
    if report.work_without_end >= WITHOUT_END_TOLD:
        console.print(
            f"Of {report.work_without_end:.0%} of recorded work no end is known: the time ran out, or its agent left."
            " Simulated, it goes on for as long as other work did, at most the longest seen: that keeps agents busier"
            " than the record shows.",
            highlight=False,
        )
    if len(queues) > QUEUES_SHOWN:
        console.print(f"{len(queues) - QUEUES_SHOWN} more queues: all are written with --json FILE.")
    console.print(
        f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC. {EXPLAINED} Means of"
        f" {report.replications} runs with seed {report.seed}; ± is the 95 % confidence interval of a mean.",
        highlight=False,
    )
    console.print(SIMPLIFIED, highlight=False)


def _add_queue(table: Table, report: Report, queue_id: str) -> None:
    target = report.targets.get(queue_id)
    goal = f" [dim]({target:g} s)[/]" if target is not None else ""
    name = escape(report.queues.get(queue_id, queue_id)) if queue_id != EVERY_QUEUE else "all queues"
    table.add_row(f"[bold]{name}[/]{goal}")
    for measure in MEASURES:
        if queue_id != EVERY_QUEUE and measure.name in OF_EVERY_QUEUE:
            continue
        row = [told(measure, report.recorded[queue_id].get(measure.name, float("nan")))]
        bands = [report.as_it_was, *([report.what_if] if report.what_if is not None else [])]
        row += [_with_band(measure, by_queue.get(queue_id, {}).get(measure.name)) for by_queue in bands]
        if report.change is not None:
            changed = report.change.get(queue_id, {}).get(measure.name)
            row.append(_change(measure, changed, leaves_more=is_starved(report, queue_id)))
        table.add_row(f"  {measure.label}", *row)
    table.add_row()


def told(measure: Measure, value: float, *, sign: str = "") -> str:
    """`31.5 s`, `84.2 %`, as a change `-2.0 points`; a dash where there was nothing to measure."""
    if isnan(value):
        return NOTHING
    match measure.unit:
        case "s" if abs(value) >= MINUTES_FROM_SECONDS:
            return f"{value / 60:{sign},.1f} min"
        case "s":
            return f"{value:{sign},.1f} s"
        case "share":
            return f"{100 * value:{sign}.1f} {'points' if sign else '%'}"
        case "index":
            return f"{value:{sign}.3f}"
    return f"{value:{sign},.0f}"


def _with_band(measure: Measure, band: Band | None) -> str:
    if band is None:
        return NOTHING
    if isnan(band.half) or not band.half:
        return told(measure, band.mean)
    return f"{told(measure, band.mean)} [dim]±{told(measure, band.half)}[/]"


def _change(measure: Measure, band: Band | None, *, leaves_more: bool) -> str:
    """Green where it is better, red where worse, dim where chance alone may have done it.

    Nothing is better by serving nobody.
    """
    if band is None or isnan(band.mean):
        return NOTHING
    if not band.half:
        return "[dim]none[/]" if not band.mean else told(measure, band.mean, sign="+")
    text = f"{told(measure, band.mean, sign='+')} ±{told(measure, band.half).removesuffix(' %')}"
    if not band.is_clear:
        return f"[dim]{text}[/]"
    if not measure.better:
        return text
    if band.mean * measure.better > 0:
        return text if leaves_more else f"[green]{text}[/]"
    return f"[red]{text}[/]"
