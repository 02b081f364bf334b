"""Random days in the shop, every step of which must keep the promises of the router. A failure names its seed.

`ONETHREAD_ROUTING_SEEDS=100:200 pytest tests/domain/routing/test_invariants.py` runs other seeds.
"""

import os

import pytest

from tests.domain.routing.day import Day
from tests.domain.routing.promises import live_through

FIRST, LAST = (int(seed) for seed in os.environ.get("ONETHREAD_ROUTING_SEEDS", "0:12").split(":"))


@pytest.mark.parametrize("seed", range(FIRST, LAST))
def test_a_random_day_keeps_every_promise(seed: int) -> None:
    live_through(Day(seed))
