"""A figure: what was measured, what it has to reach, and what it was held against in the same run."""

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `passed` says whether it reaches what it has to; True where it is shown only."""

    name: str
    value: float
    unit: str
    reach: str
    """As a sentence: `>= 25 x the library`."""
    reference: float | None = None
    """What the value is held against, measured in the same run or given."""
    ratio: float | None = None
    passed: bool


def at_least(name: str, value: float, unit: str, *, reference: float, factor: float, of: str) -> Figure:
    """The value has to be `factor` times the reference."""
    ratio = value / reference
    return Figure(
        name=name,
        value=round(value, 1),
        unit=unit,
        reach=f">= {factor:g} x {of}",
        reference=round(reference, 1),
        ratio=round(ratio, 2),
        passed=ratio >= factor,
    )


def at_most(name: str, value: float, unit: str, limit: float) -> Figure:
    """The value has to stay under the limit."""
    return Figure(
        name=name,
        value=round(value, 2),
        unit=unit,
        reach=f"<= {limit:g} {unit}",
        reference=limit,
        ratio=round(value / limit, 2),
        passed=value <= limit,
    )


def shown(name: str, value: float, unit: str) -> Figure:
    """Nothing to reach: for the reader's understanding."""
    return Figure(name=name, value=round(value, 2), unit=unit, reach="shown only", passed=True)


def quantile(values: list[float], part: float) -> float:
    """Of the measured values, not interpolated."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
