"""Random days on the real log. `ONETHREAD_SIMULATION_SEEDS=100:200 pytest tests/simulation` runs other seeds."""

import os

import pytest

from tests.simulation.day import live_through

FIRST, LAST = (int(seed) for seed in os.environ.get("ONETHREAD_SIMULATION_SEEDS", "0:6").split(":"))


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(FIRST, LAST))
async def test_a_random_day_keeps_every_promise(seed: int, database_url: str) -> None:
    await live_through(seed, database_url)
