"""Random days on the real log. `ONETHREAD_SIMULATION_SEEDS=100:200 pytest tests/simulation` runs other seeds."""

import os

import pytest

from tests.application.conftest import empty
from tests.application.situations import an_open_shop, another_process
from tests.simulation.day import Day

ROUNDS = 30
FIRST, LAST = (int(seed) for seed in os.environ.get("ONETHREAD_SIMULATION_SEEDS", "0:10").split(":"))


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that production runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(FIRST, LAST))
async def test_a_random_day_keeps_every_promise(seed: int, database_url: str) -> None:
    empty(database_url)
    async with an_open_shop(database_url) as here, another_process(here) as there:
        day = Day(seed, here, there)
        await day.open_doors()

        for _ in range(ROUNDS):
            await day.go_on()

        await day.end()
