"""Random days in the shop, every step of which must keep the promises of the router. A failure names its seed.

Every guard is needed: with any one of them taken away, some day breaks a promise.
`ONETHREAD_ROUTING_SEEDS=100:200 pytest tests/domain/routing/test_guards.py -k keeps` runs other seeds.
"""

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from domain import agent, classification, offers, workload
from domain.conversation import Status
from domain.event import RuleBroken
from domain.queue import WorkSetAside
from domain.routing import choose, crew, evolve, facts, lines, rounds, state
from tests.domain.routing import shop
from tests.domain.routing.day import Day
from tests.domain.routing.promises import live_through

FIRST, LAST = (int(seed) for seed in os.environ.get("ONETHREAD_ROUTING_SEEDS", "0:12").split(":"))
SEEDS_MAX = 40
STOPS_THE_DAY = (AssertionError, RuleBroken, LookupError, AttributeError, ValueError, pytest.fail.Exception)
Put = Callable[[Any, str, Any], None]


def no_capacity_in_the_engine(put: Put) -> None:
    put(crew.Crew, "_rooms_of", lambda self, _: frozenset(self._room))


def no_capacity_in_the_domain(put: Put) -> None:
    put(workload, "no_room", lambda *_: "")


def no_presence_in_the_domain(put: Put) -> None:
    put(workload, "take_load", workload.resume_load)


def no_skills(put: Put) -> None:
    able = crew.Crew.able
    put(crew.Crew, "able", lambda self, _, groups, channel: able(self, (), groups, channel))


def no_groups(put: Put) -> None:
    able = crew.Crew.able
    put(crew.Crew, "able", lambda self, skills, _, channel: able(self, skills, (), channel))


def no_channels(put: Put) -> None:
    able = crew.Crew.able
    put(crew.Crew, "able", lambda self, skills, groups, _: able(self, skills, groups, "webchat"))


def no_order(put: Put) -> None:
    put(facts.Facts, "order_key", lambda *_: 0)


def no_turns(put: Put) -> None:
    put(crew.Crew, "longest_idle", lambda _, who: iter(crew.bits(who)))


def no_preference(put: Put) -> None:
    put(lines.Line, "better", lambda *_: 0)


def no_friends(put: Put) -> None:
    put(state, "awaited", lambda *_: "")


def no_rests(put: Put) -> None:
    put(choose, "_bits_of", lambda *_: 0)


def no_wait_for_who_is_busy(put: Put) -> None:
    put(crew.Crew, "will_have_room", lambda *_: False)


def no_second_look_once_nobody_else_is_left(put: Put) -> None:
    put(state.RouterState, "refresh_declined", lambda *_: None)


def no_order_of_events(put: Put) -> None:
    def turn_of(self: state.RouterState, agent_id: str, desk: facts.Desk) -> crew.Turn:
        return desk.idle_by_the_clock, 0, agent_id, desk.idle_by_the_clock

    put(state.RouterState, "turn_of", turn_of)


def no_time(put: Put) -> None:
    put(state.RouterState, "advance", lambda *_: None)


def no_hours(put: Put) -> None:
    put(state.RouterState, "is_open", lambda *_: True)


def no_end_of_offers(put: Put) -> None:
    put(rounds.Round, "_end_offers", lambda *_: None)


def no_return_from_who_left(put: Put) -> None:
    put(state.RouterState, "note_stranded", lambda *_: None)


def no_return_from_who_may_not_have_it(put: Put) -> None:
    def stands(self: state.RouterState, _: facts.Waiting, offer: facts.StandingOffer) -> bool:
        return self.facts.desks[offer.agent_id].agent.is_signed_in

    put(state.RouterState, "_stands", stands)


def no_timetable(put: Put) -> None:
    put(rounds.Round, "_take_steps", lambda *_: None)


def no_overflow(put: Put) -> None:
    put(rounds.Round, "_overflow_queues", lambda *_: False)


def no_end_of_overflow(put: Put) -> None:
    put(facts.Facts, "has_been", lambda *_: False)


def no_look_at_who_got_room(put: Put) -> None:
    def seat(self: crew.Crew, *given: Any) -> None:
        seated(self, *given)
        self.fresh.clear()

    seated = crew.Crew.seat
    put(crew.Crew, "seat", seat)


def no_look_at_who_joined(put: Put) -> None:
    put(rounds.Round, "_look_at", lambda *_: None)


def no_giving_back(put: Put) -> None:
    put(state.RouterState, "put_back", lambda *_: None)


def no_second_live_offer(put: Put) -> None:
    offer = offers.offer
    put(offers, "offer", lambda one, **given: offer(replace(one, status=Status.WAITING), **given))


def no_step_once_only(put: Put) -> None:
    relax = classification.relax
    put(classification, "relax", lambda one, **given: relax(replace(one, steps=-1), **given))


def no_skills_on_the_way(put: Put) -> None:
    overflow = classification.overflow
    put(classification, "overflow", lambda one, *rule, **given: overflow(replace(one, skills={}), *rule, **given))


def no_giving_up_for_good(put: Put) -> None:
    overflow = classification.overflow
    put(classification, "overflow", lambda one, *rule, **given: overflow(replace(one, given_up=()), *rule, **given))


def no_giving_up_of_a_language(put: Put) -> None:
    put(facts.Facts, "gave_up", lambda *_: "")


def no_setting_aside(put: Put) -> None:
    put(evolve, "_TAKES", {event: take for event, take in evolve._TAKES.items() if event is not WorkSetAside})


def no_repeated_event(put: Put) -> None:
    def take(state: Any, recorded: Any) -> None:
        state.facts.position = 0
        evolve_once(state, recorded)

    evolve_once = evolve.evolve
    put(shop, "evolve", take)


def no_end_of_skills(put: Put) -> None:
    def skills_at(self: agent.Agent, _: datetime) -> dict[str, int]:
        return self.skills

    put(agent.Agent, "skills_at", skills_at)


GUARDS = [guard for name, guard in list(globals().items()) if name.startswith("no_")]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    return monkeypatch.setattr


@pytest.mark.parametrize("seed", range(FIRST, LAST))
def test_a_random_day_keeps_every_promise(seed: int) -> None:
    live_through(Day(seed))


@pytest.mark.parametrize("take_away", GUARDS, ids=lambda guard: guard.__name__)
def test_a_day_without_the_guard_breaks_a_promise(take_away: Callable[[Put], None], put: Put) -> None:
    take_away(put)

    broken = next((seed for seed in range(SEEDS_MAX) if breaks_a_promise(seed)), None)

    assert broken is not None, f"nothing noticed in {SEEDS_MAX} days that it was gone"


def breaks_a_promise(seed: int) -> bool:
    try:
        live_through(Day(seed))
    except STOPS_THE_DAY:
        return True
    return False
