"""Decision states are what the stream says, whether they come from memory, from a snapshot or from the events."""

import asyncio

import msgspec
import pytest

from application.log import Context, Fact, UnreadableEvent, Write
from application.policies.keep_snapshots import EVENTS_BETWEEN_SNAPSHOTS, KeepSnapshots
from application.states import States
from domain import agent, customer
from domain.agent import Agent, CapacitySet
from domain.customer import CustomerNamed
from domain.streams import AGGREGATES
from tests.application.broken_streams import spoil
from tests.application.situations import (
    NOON,
    Shop,
    a_waiting_conversation,
    an_assigned_conversation,
    another_process,
    everything,
)

pytestmark = pytest.mark.anyio

CONTEXT = Context("somebody else")
AGENT_STATE = AGGREGATES["agent"].state_name
CUSTOMER_STATE = AGGREGATES["customer"].state_name


async def append(shop: Shop, stream: str, version: int, *units: int) -> None:
    """Behind the back of the states."""
    facts = [Fact(CapacitySet(units=one), NOON) for one in units]
    await shop.log.append([Write(stream, version, facts)], context=CONTEXT)


def an_agent(number: int) -> str:
    return f"agent-{number:032x}"


async def test_a_stream_that_does_not_exist_is_new_and_not_remembered(shop: Shop) -> None:
    loaded = await shop.states.load(an_agent(1))

    assert loaded == (agent.NEW, 0)
    assert shop.states.peek(an_agent(1)) is None
    assert shop.states.begin("customer-1") == (customer.NEW, 0)


async def test_the_state_is_all_events_folded(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)

    remembered = shop.states.peek(assigned.customer_id)

    stored = await shop.log.read_stream(assigned.customer_id)
    folded = customer.NEW
    for recorded in stored:
        folded = customer.evolve(folded, recorded.event)
    assert remembered == (folded, len(stored))
    assert await States(shop.log, shop.log.snapshots).load(assigned.customer_id) == remembered


async def test_the_state_not_used_for_longest_goes_first(shop: Shop) -> None:
    states = States(shop.log, shop.log.snapshots, states_max=2)
    for number in (1, 2, 3):
        await append(shop, an_agent(number), 0, number)

    await states.load(an_agent(1))
    await states.load(an_agent(2))
    states.peek(an_agent(1))
    await states.load(an_agent(3))

    kept = [number for number in (1, 2, 3) if states.peek(an_agent(number)) is not None]
    assert kept == [1, 3]


async def test_what_is_remembered_may_lag_and_is_read_again_where_more_is_asked_for(shop: Shop) -> None:
    await append(shop, an_agent(1), 0, 1)
    await shop.states.load(an_agent(1))
    await append(shop, an_agent(1), 1, 2)

    remembered = await shop.states.load(an_agent(1))
    demanded = await shop.states.load(an_agent(1), at_least=2)

    assert remembered == (Agent(capacity=1), 1)
    assert demanded == (Agent(capacity=2), 2)
    assert await shop.states.load(an_agent(1)) == demanded


async def test_what_has_moved_on_is_forgotten_what_has_not_is_kept(shop: Shop) -> None:
    await append(shop, an_agent(1), 0, 1)
    await shop.states.load(an_agent(1))

    assert not await shop.states.moved_on(an_agent(1), 1)
    assert shop.states.peek(an_agent(1)) == (Agent(capacity=1), 1)

    await append(shop, an_agent(1), 1, 2)
    assert await shop.states.moved_on(an_agent(1), 1)
    assert shop.states.peek(an_agent(1)) is None


async def test_many_states_are_read_together(shop: Shop) -> None:
    """From snapshots and events, whatever is at hand already, and of a stream that does not exist nothing."""
    await append(shop, an_agent(1), 0, 1, 2)
    await append(shop, an_agent(2), 0, 3, 4, 5)
    await shop.log.snapshots.save(an_agent(2), AGENT_STATE, msgspec.msgpack.encode(Agent(name="kept")), 2)
    case = await a_waiting_conversation(shop)
    states = States(shop.log, shop.log.snapshots)
    states.moved(an_agent(1), Agent(capacity=1), 1)

    await states.load_all([an_agent(1), an_agent(2), an_agent(3), case.customer_id])

    assert states.peek(an_agent(1)) == (Agent(capacity=1), 1)
    assert states.peek(an_agent(2)) == (Agent(name="kept", capacity=5), 3)
    assert states.peek(an_agent(3)) is None
    assert states.peek(case.customer_id) == shop.states.peek(case.customer_id)


async def test_one_that_cannot_be_read_is_left_out_and_told_when_it_is_asked_for(shop: Shop) -> None:
    await append(shop, an_agent(1), 0, 1)
    await append(shop, an_agent(2), 0, 2)
    spoil(shop, an_agent(1))
    states = States(shop.log, shop.log.snapshots)

    await states.load_all([an_agent(1), an_agent(2)])

    assert await states.load(an_agent(2)) == (Agent(capacity=2), 1)
    with pytest.raises(UnreadableEvent):
        await states.load(an_agent(1))


async def test_what_others_appended_moves_the_state_on_or_lets_go_of_it(shop: Shop) -> None:
    await append(shop, an_agent(1), 0, 1)
    await shop.states.load(an_agent(1))
    await append(shop, an_agent(1), 1, 2, 3, 4)
    first, second, _, fourth = [one for one in await everything(shop.log) if one.stream == an_agent(1)]

    shop.states.saw(first)
    assert shop.states.peek(an_agent(1)) == (Agent(capacity=1), 1)
    shop.states.saw(second)
    assert shop.states.peek(an_agent(1)) == (Agent(capacity=2), 2)
    shop.states.saw(fourth)
    assert shop.states.peek(an_agent(1)) is None, "what came in between is not known here"
    shop.states.saw(fourth)
    assert shop.states.peek(an_agent(1)) is None


async def test_what_is_forgotten_is_read_again(shop: Shop) -> None:
    await append(shop, an_agent(1), 0, 1)
    await shop.states.load(an_agent(1))
    await append(shop, an_agent(1), 1, 2)

    shop.states.forget(an_agent(1))

    assert await shop.states.load(an_agent(1)) == (Agent(capacity=2), 2)


async def test_an_older_state_never_replaces_a_newer_one(shop: Shop) -> None:
    """As when a slow read ends after the process has appended more."""
    shop.states.moved(an_agent(1), Agent(capacity=2), 2)

    shop.states.moved(an_agent(1), Agent(capacity=1), 1)

    assert shop.states.peek(an_agent(1)) == (Agent(capacity=2), 2)


async def test_a_snapshot_takes_the_place_of_the_events_before_it(shop: Shop) -> None:
    """One that differs from the events shows that they were not read."""
    await append(shop, an_agent(1), 0, 1, 2, 3)
    stored = msgspec.msgpack.encode(Agent(name="from the snapshot", capacity=2))
    await shop.log.snapshots.save(an_agent(1), AGENT_STATE, stored, 2)

    loaded = await States(shop.log, shop.log.snapshots).load(an_agent(1))

    assert loaded == (Agent(name="from the snapshot", capacity=3), 3)


async def test_a_snapshot_of_another_shape_is_not_read(shop: Shop) -> None:
    await append(shop, an_agent(1), 0, 1)
    await shop.log.snapshots.save(an_agent(1), "agent.0", b"of long ago", 1)

    loaded = await States(shop.log, shop.log.snapshots).load(an_agent(1))

    assert loaded == (Agent(capacity=1), 1)


async def test_snapshots_are_kept_of_streams_that_grew_by_a_hundred_events(shop: Shop) -> None:
    await append(shop, an_agent(1), 0, *range(EVENTS_BETWEEN_SNAPSHOTS + 1))
    await append(shop, an_agent(2), 0, *range(EVENTS_BETWEEN_SNAPSHOTS - 1))
    keep = KeepSnapshots(shop.states, shop.log.snapshots, shop.positions)

    await keep.take(await everything(shop.log), await shop.log.head())

    version = EVENTS_BETWEEN_SNAPSHOTS + 1
    state = msgspec.msgpack.encode(Agent(capacity=EVENTS_BETWEEN_SNAPSHOTS))
    assert await shop.log.snapshots.load(an_agent(1), AGENT_STATE) == (state, version)
    assert await shop.log.snapshots.load(an_agent(2), AGENT_STATE) is None
    assert await keep.start() == await shop.log.head()


async def test_a_stream_that_cannot_be_read_has_no_snapshot_and_others_have(shop: Shop) -> None:
    await append(shop, an_agent(1), 0, *range(EVENTS_BETWEEN_SNAPSHOTS))
    await append(shop, an_agent(2), 0, *range(EVENTS_BETWEEN_SNAPSHOTS))
    batch, head = await everything(shop.log), await shop.log.head()
    spoil(shop, an_agent(1))
    async with another_process(shop) as other:
        keep = KeepSnapshots(other.states, other.log.snapshots, other.positions)

        await keep.take(batch, head)

        assert await keep.start() == head
    assert await shop.log.snapshots.load(an_agent(1), AGENT_STATE) is None
    assert await shop.log.snapshots.load(an_agent(2), AGENT_STATE) is not None


async def test_a_snapshot_counts_what_another_process_appended(shop: Shop) -> None:
    await append(shop, an_agent(1), 0, 1)
    await shop.states.load(an_agent(1))
    await append(shop, an_agent(1), 1, *range(2, EVENTS_BETWEEN_SNAPSHOTS + 1))
    keep = KeepSnapshots(shop.states, shop.log.snapshots, shop.positions)

    await keep.take(await everything(shop.log), await shop.log.head())

    stored = await shop.log.snapshots.load(an_agent(1), AGENT_STATE)
    assert stored == (msgspec.msgpack.encode(Agent(capacity=EVENTS_BETWEEN_SNAPSHOTS)), EVENTS_BETWEEN_SNAPSHOTS)


async def test_a_customer_with_conversations_survives_a_snapshot(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    state, version = await shop.states.load(case.customer_id)

    await shop.log.snapshots.save(case.customer_id, CUSTOMER_STATE, msgspec.msgpack.encode(state), version)

    fresh = States(shop.log, shop.log.snapshots)
    assert await fresh.load(case.customer_id) == (state, version)


async def test_reads_at_the_same_time_agree(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    states = States(shop.log, shop.log.snapshots)
    write = Write(case.customer_id, shop.states.peek(case.customer_id)[1], [Fact(CustomerNamed(name="Li"), NOON)])  # type: ignore[index]

    loads = [states.load(case.customer_id) for _ in range(5)]
    await asyncio.gather(*loads, shop.log.append([write], context=CONTEXT))

    newest = await states.load(case.customer_id, at_least=write.expected_version + 1)
    assert newest == (await shop.customer(case.customer_id), write.expected_version + 1)
