"""Runs the benchmarks: `python -m tests.benchmarks [--only append]`. A table, a JSON file, and 1 on a shortfall."""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from tests.benchmarks import accept, append, intake, mail, push, router_log, router_start, routing, views
from tests.benchmarks.deployment import fresh_servers
from tests.benchmarks.figures import Figure


async def _append() -> list[Figure]:
    with fresh_servers() as settings:
        return await append.measure(settings.database_url)


async def _views() -> list[Figure]:
    with fresh_servers() as settings:
        return await views.measure(settings.database_url)


async def _routing() -> list[Figure]:
    return await asyncio.to_thread(routing.measure)


async def _router_log() -> list[Figure]:
    with fresh_servers() as settings:
        return await router_log.measure(settings.database_url)


async def _router_start() -> list[Figure]:
    with fresh_servers() as settings:
        return await router_start.measure(settings.database_url)


async def _mail() -> list[Figure]:
    return await asyncio.to_thread(mail.measure)


BENCHMARKS: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
    "append": _append,
    "intake": intake.measure,
    "accept": accept.measure,
    "views": _views,
    "push": push.measure,
    "routing": _routing,
    "router_log": _router_log,
    "router_start": _router_start,
    "mail": _mail,
    "memory": intake.measure_memory,
}


def main() -> int:
    """0 when every figure is reached, 1 when one falls short."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHMARKS), help="run one of them")
    parser.add_argument("--output", type=Path, default=Path("bench.json"), help="where the figures go as JSON")
    given = parser.parse_args()
    console = Console()
    figures: list[Figure] = []
    for name, measure in BENCHMARKS.items():
        if given.only in (None, name):
            console.print(f"measuring {name} …")
            figures += uvloop.run(_whole(measure))
    report = {
        "measured_at": datetime.now(UTC),
        "machine": {"system": platform.platform(), "python": platform.python_version(), "cores": _cores()},
        "figures": figures,
    }
    given.output.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    console.print(_table(figures))
    console.print(f"written to {given.output}")
    return 0 if all(figure.passed for figure in figures) else 1


async def _whole(measure: Callable[[], Awaitable[list[Figure]]]) -> list[Figure]:
    return await measure()


def _cores() -> str:
    try:
        model = Path("/proc/cpuinfo").read_text().partition("model name")[2].splitlines()[0].strip(" \t:")
    except (OSError, IndexError):
        model = platform.processor()
    return f"{os.cpu_count()} x {model}"


def _table(figures: list[Figure]) -> Table:
    table = Table("figure", "value", "unit", "to reach", "reference", "ratio", "", box=None)
    for one in figures:
        reference = "" if one.reference is None else f"{one.reference:,.1f}"
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        mark = "" if one.reach == "shown only" else "[green]reached[/]" if one.passed else "[red]short[/]"
        table.add_row(one.name, f"{one.value:,.1f}", one.unit, one.reach, reference, ratio, mark)
    return table


if __name__ == "__main__":
    sys.exit(main())
