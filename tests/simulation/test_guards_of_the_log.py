"""Every guard is needed on the real log too: with any one of them taken away, some random day breaks a promise."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from application.commands import Commands
from application.log import Claim, Context, Write
from application.use_cases import assign_work, conversation_desk
from domain import assignment, offers, workload
from domain.conversation import Conversation
from domain.event import RuleBroken, kind_of
from domain.routing import pull
from domain.routing.decisions import Offer
from infrastructure.log.postgres_log import PostgresLog
from tests.simulation.day import live_through

SEEDS_MAX = 20
STOPS_THE_DAY = (AssertionError, RuleBroken, pytest.fail.Exception)
Put = Callable[[Any, str, Any], None]


def no_second_look_at_what_it_asks(put: Put) -> None:
    def offer(decision: Offer, at: Any, customer: Any, winner: Any) -> Any:
        one = customer.conversation(decision.conversation_id)
        return checked(replace(decision, language=one.language, skills=one.skills), at, customer, winner)

    checked = assign_work._offer
    put(assign_work, "_offer", offer)


def no_second_look_at_the_queue(put: Put) -> None:
    def offer(decision: Offer, at: Any, customer: Any, winner: Any) -> Any:
        one = customer.conversation(decision.conversation_id)
        return checked(replace(decision, queue_id=one.queue_id), at, customer, winner)

    checked = assign_work._offer
    put(assign_work, "_offer", offer)


def no_second_look_at_who_gets_it(put: Put) -> None:
    put(assign_work, "bars", lambda *_: "")


def no_second_look_at_the_rules(put: Put) -> None:
    put(assign_work, "demand_same_rules", lambda *_: None)


def no_eligibility_of_who_picks(put: Put) -> None:
    put(pull, "demand_pickable", lambda *_: None)


def no_time_to_answer(put: Put) -> None:
    expire = offers.expire_offer
    put(offers, "expire_offer", lambda one, *, offer_id, at: expire(one, offer_id=offer_id, at=at + timedelta(days=1)))


def no_going_away_after_a_missed_offer(put: Put) -> None:
    def expire(*given: Any) -> Any:
        expired, released = expired_as_it_should(*given)
        return [expired, released[:1]]

    expired_as_it_should = assign_work._expire
    put(assign_work, "_expire", expire)


def no_owner_of_an_offer(put: Put) -> None:
    demand = offers._demand_offer
    put(offers, "_demand_offer", lambda one, offer_id, _=None: demand(one, offer_id))


def no_end_of_an_offer(put: Put) -> None:
    def demand(one: Conversation, _: str, agent_id: str | None = None) -> tuple[str, str]:
        return agent_id or one.agent_id or "", one.queue_id or ""

    put(offers, "_demand_offer", demand)


def no_reason_to_decline(put: Put) -> None:
    decline = offers.decline_offer
    put(offers, "decline_offer", lambda one, **given: decline(one, **{**given, "reason": "-"}))


def no_owner_of_work(put: Put) -> None:
    put(assignment, "demand_holder", lambda *_: None)


def no_room_needed(put: Put) -> None:
    put(workload, "no_room", lambda *_: "")


def no_presence_needed(put: Put) -> None:
    put(workload, "take_load", workload.resume_load)


def no_revision(put: Put) -> None:
    put(conversation_desk, "demand_revision", lambda *_: None)


def no_version_of_the_customer(put: Put) -> None:
    _append_to_whatever_is_there("customer", put)


def no_version_of_the_agent(put: Put) -> None:
    _append_to_whatever_is_there("agent", put)


def no_claims(put: Put) -> None:
    async def submit(self: PostgresLog, writes: Sequence[Write], _: Any = (), *, context: Context) -> Any:
        return await submitted(self, writes, context=context)

    submitted = PostgresLog.submit
    put(PostgresLog, "submit", submit)


def no_doubt_about_what_is_remembered(put: Put) -> None:
    async def lagged(*_: Any) -> bool:
        return False

    put(Commands, "_lagged", lagged)


def no_memory_of_the_first_time(put: Put) -> None:
    async def first_time(*_: Any) -> None:
        return None

    put(Commands, "_first_time", first_time)


def _append_to_whatever_is_there(kind: str, put: Put) -> None:
    async def submit(
        self: PostgresLog, writes: Sequence[Write], claims: Sequence[Claim] = (), *, context: Context
    ) -> Any:
        written = []
        for one in writes:
            expected = one.expected_version
            if kind_of(one.stream) == kind:
                expected += len(await self.read_stream(one.stream, expected))
            written.append(Write(one.stream, expected, one.facts))
        return await submitted(self, written, claims, context=context)

    submitted = PostgresLog.submit
    put(PostgresLog, "submit", submit)


GUARDS = [guard for name, guard in list(globals().items()) if name.startswith("no_")]


@pytest.mark.anyio
@pytest.mark.parametrize("take_away", GUARDS, ids=lambda guard: guard.__name__)
async def test_a_day_on_the_log_without_the_guard_breaks_a_promise(
    take_away: Callable[[Put], None], monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    take_away(monkeypatch.setattr)

    broken = None
    for seed in range(SEEDS_MAX):
        if broken is None and await breaks_a_promise(seed, database_url):
            broken = seed

    assert broken is not None, f"nothing noticed in {SEEDS_MAX} days that it was gone"


async def breaks_a_promise(seed: int, database_url: str) -> bool:
    try:
        await live_through(seed, database_url)
    except STOPS_THE_DAY:
        return True
    return False
