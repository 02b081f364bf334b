"""Whenever the router that decides is killed another goes on where the log stands: nothing is lost, nothing doubled."""

import asyncio
from collections import Counter
from contextlib import ExitStack
from random import Random

import psycopg
import pytest

from application.router import Router
from application.router_snapshots import Trail
from application.use_cases.assign_work import AssignWork
from domain.queue import QueueDefinition
from infrastructure.embedded.servers import Servers
from infrastructure.router_snapshots import PostgresRouterSnapshots
from tests.application.recomputing import demand_every_choice_comes_out_the_same
from tests.application.situations import MASTER_KEY, Shop, a_message, an_open_shop, offers
from tests.databases import an_empty_database
from tests.faults.router_user import RouterUser, a_router_user
from tests.waiting import wait_until

pytestmark = pytest.mark.anyio

SEEDS = range(2)
CUSTOMERS = 500
"""Many: whoever kills may be late, and then there must still be work left."""
KILLS = 3
AGENTS = 2
"""Few, so that each gets many offers, one after the other."""
LINES_SECONDS_MAX = 30.0
OFFERED = "SELECT count(*) FROM onethread_events WHERE topic = 'conversation.offered'"


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that production runs on."""
    return "asyncio", {"use_uvloop": True}


async def line_of(user: RouterUser) -> str:
    """The next it says; empty once it is dead."""
    assert user.stdout is not None
    async with asyncio.timeout(LINES_SECONDS_MAX):
        return await asyncio.to_thread(user.stdout.readline)


class Standbys:
    """Processes that wait for their turn."""

    def __init__(self, users: list[RouterUser]) -> None:
        self._users = users
        self._turns: dict[asyncio.Task[str], RouterUser] = {}

    async def start(self) -> None:
        """All know the log by now."""
        assert [await line_of(user) for user in self._users] == ["follows\n"] * len(self._users)
        self._turns = {asyncio.create_task(line_of(user)): user for user in self._users}

    async def next_to_lead(self) -> RouterUser:
        done, _ = await asyncio.wait(self._turns, return_when=asyncio.FIRST_COMPLETED)
        (turn,) = done
        assert turn.result() == "leads\n"
        return self._turns.pop(turn)


def offered(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        (row,) = connection.execute(OFFERED).fetchall()
    return int(row[0])


async def until_so_many_are_offered(database_url: str, number: int) -> None:
    what = f"{number} are offered"
    await asyncio.to_thread(wait_until, lambda: offered(database_url) >= number, what=what, seconds_max=30)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_killed_router_loses_and_doubles_no_decision(seed: int, servers: Servers) -> None:
    moments = sorted(Random(seed).sample(range(1, CUSTOMERS // 4), KILLS))
    with an_empty_database(servers.addresses.database_url) as database_url, ExitStack() as users:
        async with an_open_shop(database_url) as shop:
            queue = QueueDefinition(name="Patient", offer_timeout_seconds=3600)
            await shop.set_up.define_queue(shop.command(), shop.queue_id, queue)
            agents = [await shop.hire(f"agent {number}", capacity=2 * CUSTOMERS) for number in range(AGENTS)]
            standbys = Standbys([users.enter_context(a_router_user(database_url)) for _ in range(KILLS + 1)])
            await standbys.start()
            leader = await standbys.next_to_lead()
            await shop.receive(*(a_message(f"m-{number}", f"visitor-{number}") for number in range(CUSTOMERS)))

            for moment in moments:
                await until_so_many_are_offered(database_url, moment)
                leader.kill()
                assert offered(database_url) < CUSTOMERS, "it was killed in the middle of its work"
                leader = await standbys.next_to_lead()
            await until_so_many_are_offered(database_url, CUSTOMERS)

            leader.kill()
            times = Counter(one.conversation_id for one in await offers(shop))
            assert (len(times), set(times.values())) == (CUSTOMERS, {1})
            assert sum([(await shop.agent(agent_id)).load for agent_id in agents]) == 2 * CUSTOMERS
            assert await demand_every_choice_comes_out_the_same(shop.log) == CUSTOMERS
            await demand_the_snapshot_says_what_the_log_says(shop)


async def demand_the_snapshot_says_what_the_log_says(shop: Shop) -> None:
    snapshots = PostgresRouterSnapshots(shop.log.pool, [MASTER_KEY])
    late = Router(shop.log, AssignWork(shop.commands), shop.clock, Trail(snapshots))
    assert await late.start() > 0
    for router in (late, shop.router):
        await router.follower.catch_up()
    assert late.state.facts == shop.router.state.facts
