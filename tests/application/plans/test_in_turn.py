"""What two nodes set up at the same moment: each all right by itself, and never both where they do not go together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest
from typing_extensions import override

from application.directory import Directory
from application.plans.apply_plan import ApplyPlan
from application.plans.define_alone import DefineAlone
from application.plans.problems import DefinitionRefused, PlanRefused
from application.views import ConversationFilter, Page
from domain.account import AccountDefinition
from domain.policy import RoutingPolicy
from domain.queue import Limit, OverflowRule, QueueDefinition, QueueRetiredAlready
from infrastructure.log.pool import ReadPool
from infrastructure.views.readers import PostgresViewReaders
from tests.application.broken_streams import spoil
from tests.application.situations import Shop, a_process, an_open_shop, another_process
from tests.application.views.conftest import EMPTY

pytestmark = pytest.mark.anyio

Act = Callable[["Node"], Awaitable[object]]


class Views(PostgresViewReaders):
    """Of a node that is slower than the other: that one acts once this one has looked at all that is set up."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    @override
    async def conversations(self, which: ConversationFilter, *, cursor: str | None = None, limit: int = 50) -> Page:
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()
        return await super().conversations(which, cursor=cursor, limit=limit)


class Node:
    """A process with all that sets things up."""

    def __init__(self, shop: Shop, pool: ReadPool) -> None:
        self.shop = shop
        self.views = Views(pool)
        parts = shop.commands, shop.directory, shop.directory_follower, self.views
        self.define, self.plans = DefineAlone(*parts), ApplyPlan(*parts)


@asynccontextmanager
async def a_node(shop: Shop) -> AsyncIterator[Node]:
    """It follows what is set up anywhere."""
    pool = ReadPool(shop.url, connections_max=1, timeout_seconds=10)
    await pool.open()
    node = Node(shop, pool)
    running = asyncio.create_task(shop.directory_follower.run())
    await up_to_date(node)
    try:
        yield node
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await pool.close()


@pytest.fixture
async def nodes(database_url: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two on one log, with the queues First and Second, to which nothing is sent."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(EMPTY)
    async with an_open_shop(database_url) as shop, another_process(shop) as other:
        for name in ("First", "Second"):
            await shop.open_queue(name)
        async with a_node(shop) as here, a_node(other) as there:
            yield here, there


async def up_to_date(node: Node) -> Directory:
    """Which has read all there is."""
    assert await node.shop.directory_follower.reached(await node.shop.log.head(), 10)
    return node.shop.directory


def queue_called(name: str, node: Node) -> str:
    queues = node.shop.directory.queues.items()
    return next(queue_id for queue_id, one in queues if one.definition is not None and one.definition.name == name)


def overflowing(name: str, to: str, node: Node) -> QueueDefinition:
    rule = OverflowRule(when=Limit.WAITED, limit=60, to_queue_id=queue_called(to, node))
    return QueueDefinition(name=name, overflow=(rule,))


async def retire_first(node: Node) -> None:
    await node.define.retire_queue(node.shop.command(), queue_called("First", node))


async def send_second_to_first(node: Node) -> None:
    definition = overflowing("Second", "First", node)
    await node.define.define_queue(node.shop.command(), queue_called("Second", node), definition)


async def send_first_to_second(node: Node) -> None:
    definition = overflowing("First", "Second", node)
    await node.define.define_queue(node.shop.command(), queue_called("First", node), definition)


async def send_a_new_one_to_first(node: Node) -> None:
    await node.define.define_queue(node.shop.command(), None, overflowing("Third", "First", node))


async def plan_to_send_second_to_first(node: Node) -> None:
    text = b"queues: {Second: {overflow: [{when: waited, limit: 60, to_queue: First}]}}"
    await node.plans.apply(node.shop.command(), text, is_forced=True)


async def plan_to_retire_first(node: Node) -> None:
    await node.plans.apply(node.shop.command(), b"queues: {First: {retired: true}}", is_forced=True)


async def open_an_account_for_first(node: Node) -> None:
    definition = AccountDefinition(channel="webchat", name="chat", queue_id=queue_called("First", node))
    await node.define.define_account(node.shop.command(), None, definition)


@pytest.mark.parametrize(
    ("one", "other", "refused_by"),
    [
        (retire_first, send_second_to_first, "'Second' overflows to it"),
        (send_second_to_first, retire_first, "'First' is retired"),
        (retire_first, send_a_new_one_to_first, "'Third' overflows to it"),
        (send_a_new_one_to_first, plan_to_retire_first, "'First' is retired"),
        (send_first_to_second, send_second_to_first, "in a circle: First -> Second -> First"),
        (send_first_to_second, plan_to_send_second_to_first, "in a circle: First -> Second -> First"),
        (plan_to_send_second_to_first, retire_first, "'First' is retired"),
        (plan_to_retire_first, send_a_new_one_to_first, "'Third' overflows to it"),
        (retire_first, open_an_account_for_first, "'chat' sends its work here"),
    ],
)
async def test_what_does_not_go_with_what_another_node_sets_up_meanwhile_is_refused(
    nodes: tuple[Node, Node], one: Act, other: Act, refused_by: str
) -> None:
    here, there = nodes
    here.views.meanwhile = lambda: other(there)

    with pytest.raises((DefinitionRefused, PlanRefused), match=refused_by):
        await one(here)


async def test_an_account_is_refused_a_queue_that_is_retired_at_the_same_moment(nodes: tuple[Node, Node]) -> None:
    here, there = nodes

    outcomes = await asyncio.gather(open_an_account_for_first(here), retire_first(there), return_exceptions=True)

    assert [type(one) for one in outcomes if one is not None] in ([QueueRetiredAlready], [DefinitionRefused])


async def test_what_goes_together_is_set_up_by_both(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    rules = RoutingPolicy(offer_timeout_seconds=33)
    here.views.meanwhile = lambda: there.define.define_policy(there.shop.command(), rules)

    await send_second_to_first(here)
    await here.define.define_queue(here.shop.command(), None, QueueDefinition(name="Fourth"))

    directory = await up_to_date(here)
    assert (directory.policy.rules, directory.policy.number, len(directory.queues)) == (rules, 1, 4)
    assert overflowing("Second", "First", here) in [one.definition for one in directory.queues.values()]


async def test_what_is_no_news_takes_nobodys_turn(nodes: tuple[Node, Node]) -> None:
    here, _ = nodes
    for _ in range(3):
        await here.define.define_queue(here.shop.command(), queue_called("First", here), QueueDefinition(name="First"))

    await retire_first(here)

    assert (await up_to_date(here)).queues[queue_called("First", here)].is_retired


async def test_what_a_node_cannot_read_of_it_keeps_it_from_nothing(nodes: tuple[Node, Node]) -> None:
    here, _ = nodes
    _, unreadable, _ = await here.define.define_queue(here.shop.command(), None, QueueDefinition(name="Third"))
    spoil(here.shop, unreadable)

    async with a_process(here.shop.url, here.shop.clock) as process, a_node(process) as fresh:
        await fresh.define.define_queue(process.command(), None, QueueDefinition(name="Fourth"))
        await retire_first(fresh)

    assert (await up_to_date(here)).queues[queue_called("First", here)].is_retired
