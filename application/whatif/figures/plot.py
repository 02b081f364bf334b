"""The comparison as a picture: waits, service level and abandonment over time, as SVG."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from math import ceil, floor, isnan, log10

import msgspec

from application.whatif.figures.bands import Band
from application.whatif.figures.report import Report

WIDTH, LEFT, RIGHT = 960, 76, 28
TOP, PANEL, GAP, BOTTOM = 128, 172, 46, 66
INK, FAINT, GRID, PAPER = "#1f2933", "#6b7785", "#e3e8ee", "#ffffff"
RECORDED, WAS, WHAT_IF = "#1f2933", "#8a94a3", "#1769d2"
FONT = "font-family='Inter, Segoe UI, Helvetica, Arial, sans-serif'"
TICKS = 5
STEPS = (1, 2, 2.5, 5, 10)
HOURS = (5 / 3_600, 15 / 3_600, 1 / 60, 1 / 12, 1 / 4, 1 / 2, 1, 2, 3, 6, 12, 24, 48, 168, 720)
LABELS_MAX = 10
SECONDS_AS_MINUTES = 300


class Panel(msgspec.Struct, frozen=True):
    """One of the curves that share the axis of time."""

    name: str
    title: str
    unit: str
    factor: float
    highest: float
    """To be shown, in the unit."""

    @property
    def end(self) -> float:
        """Of the axis."""
        step = _step(self.highest)
        return max(1, ceil(self.highest / step)) * step


def svg(report: Report, title: str) -> str:
    """The whole picture; opens in any browser. Bands hold nine of ten simulated runs."""
    panels = [
        _wait_panel(report),
        Panel("service_level", "Service level, abandoned counted as missed", "%", 100.0, 100.0),
        Panel("abandonment", "Abandoned", "%", 100.0, max(5.0, 100 * _highest(report, "abandonment"))),
    ]
    height = TOP + len(panels) * (PANEL + GAP) - GAP + BOTTOM
    size = f"viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}'"
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' {size} role='img' {FONT} font-size='12' fill='{INK}'>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{WIDTH}' height='{height}' fill='{PAPER}'/>",
        f"<text x='{LEFT}' y='34' font-size='19' font-weight='600'>{escape(title)}</text>",
        f"<text x='{LEFT}' y='54' fill='{FAINT}'>{escape(_subtitle(report))}</text>",
        *_legend(report),
    ]
    for nth, panel in enumerate(panels):
        parts += _panel(report, panel, TOP + nth * (PANEL + GAP))
    parts += _time_axis(report, height - BOTTOM)
    return "\n".join([*parts, "</svg>", ""])


def _subtitle(report: Report) -> str:
    contacts = report.recorded[""]["contacts"]
    runs = f"{report.replications} run{'s' if report.replications > 1 else ''}"
    return (
        f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC, {contacts:,.0f} contacts,"
        f" {runs} with seed {report.seed}; each point is {_length(report.interval_seconds)} of arrivals"
    )


def _length(seconds: int) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}{'s' if seconds > size else ''}"
    return f"{seconds} s"


def _legend(report: Report) -> Iterator[str]:
    entries = [(RECORDED, "recorded", False), (WAS, "simulated as it was", True)]
    if report.what_if_series is not None:
        entries.append((WHAT_IF, "what if", True))
    x = LEFT
    for colour, label, has_band in entries:
        if has_band:
            yield f"<rect x='{x}' y='69' width='26' height='12' fill='{colour}' opacity='0.22'/>"
        yield f"<path d='M{x} 75h26' stroke='{colour}' stroke-width='2'/>"
        yield f"<text x='{x + 33}' y='79'>{label}</text>"
        x += 60 + 7 * len(label)
    yield f"<text x='{WIDTH - RIGHT}' y='79' text-anchor='end' fill='{FAINT}'>bands hold 90 % of single runs</text>"


def _wait_panel(report: Report) -> Panel:
    highest = _highest(report, "mean_wait_seconds")
    if highest > SECONDS_AS_MINUTES:
        return Panel("mean_wait_seconds", "Mean wait until answered", "min", 1 / 60, highest / 60)
    return Panel("mean_wait_seconds", "Mean wait until answered", "s", 1.0, max(1.0, highest))


def _highest(report: Report, name: str) -> float:
    values = list(report.recorded_series[name])
    for series in (report.as_it_was_series, report.what_if_series or {}):
        values += [band.runs_high for band in series.get(name, ())]
    return max((value for value in values if not isnan(value)), default=0.0)


def _step(highest: float) -> float:
    """Of an axis from 0 to the value, in round numbers, at most `TICKS` of them."""
    size = 10.0 ** floor(log10(highest / TICKS)) if highest > 0 else 1.0
    return next(step * size for step in STEPS if step * size * TICKS >= highest)


def _panel(report: Report, panel: Panel, top: int) -> Iterator[str]:
    unit = f"<tspan fill='{FAINT}'>({panel.unit})</tspan>"
    yield f"<text x='{LEFT}' y='{top - 10}' font-weight='600'>{panel.title} {unit}</text>"
    for x, _ in _marks(report):
        yield f"<path d='M{x:.1f} {top}V{top + PANEL}' stroke='{GRID}'/>"
    step = _step(panel.highest)
    for nth in range(round(panel.end / step) + 1):
        y = top + PANEL * (1 - nth * step / panel.end)
        yield f"<path d='M{LEFT} {y:.1f}H{WIDTH - RIGHT}' stroke='{GRID}'/>"
        yield f"<text x='{LEFT - 10}' y='{y + 4:.1f}' text-anchor='end' fill='{FAINT}'>{nth * step:g}</text>"
    for series, colour in ((report.as_it_was_series, WAS), (report.what_if_series, WHAT_IF)):
        if series is not None:
            yield from _band(series[panel.name], panel, top, colour)
    yield from _curve(report.recorded_series[panel.name], panel, top, RECORDED)


def _points(values: Sequence[float], panel: Panel, top: int) -> Iterator[list[tuple[float, float]]]:
    """Stretches without a gap, in the coordinates of the picture: a value stands in the middle of its interval."""
    run: list[tuple[float, float]] = []
    step = (WIDTH - LEFT - RIGHT) / len(values)
    for nth, value in enumerate(values):
        if isnan(value):
            if run:
                yield run
            run = []
            continue
        part = min(1.0, value * panel.factor / panel.end)
        run.append((LEFT + (nth + 0.5) * step, top + PANEL * (1 - part)))
    if run:
        yield run


def _curve(values: Sequence[float], panel: Panel, top: int, colour: str) -> Iterator[str]:
    for run in _points(values, panel, top):
        if len(run) == 1:
            yield f"<circle cx='{run[0][0]:.1f}' cy='{run[0][1]:.1f}' r='2' fill='{colour}'/>"
        else:
            yield f"<path d='{_path(run)}' fill='none' stroke='{colour}' stroke-width='1.8' stroke-linejoin='round'/>"


def _band(bands: Sequence[Band], panel: Panel, top: int, colour: str) -> Iterator[str]:
    lows = _points([band.runs_low for band in bands], panel, top)
    highs = _points([band.runs_high for band in bands], panel, top)
    for low, high in zip(lows, highs, strict=True):
        yield f"<path d='{_path([*low, *reversed(high)])}Z' fill='{colour}' opacity='0.22'/>"
    yield from _curve([band.mean for band in bands], panel, top, colour)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _marks(report: Report) -> Iterator[tuple[float, datetime]]:
    """Round times, and where they stand."""
    length = timedelta(seconds=report.interval_seconds * len(report.recorded_series["contacts"]))
    hours = length.total_seconds() / 3_600
    step = timedelta(hours=next((one for one in HOURS if hours / one <= LABELS_MAX), HOURS[-1]))
    midnight = datetime.combine(report.since.date(), datetime.min.time(), report.since.tzinfo)
    mark = midnight + -(-(report.since - midnight) // step) * step
    while mark <= report.since + length:
        yield LEFT + (WIDTH - LEFT - RIGHT) * ((mark - report.since) / length), mark
        mark += step


def _time_axis(report: Report, bottom: int) -> Iterator[str]:
    """The date stands wherever it is a new one."""
    shown = None
    for x, mark in _marks(report):
        at = f"{mark:%H:%M:%S}" if mark.second else f"{mark:%H:%M}"
        yield f"<text x='{x:.1f}' y='{bottom + 18}' text-anchor='middle' fill='{FAINT}'>{at}</text>"
        if mark.date() != shown:
            yield f"<text x='{x:.1f}' y='{bottom + 34}' text-anchor='middle' fill='{FAINT}'>{mark:%Y-%m-%d}</text>"
        shown = mark.date()
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f"<text x='{middle:.0f}' y='{bottom + 54}' text-anchor='middle'>time of arrival (UTC)</text>"
