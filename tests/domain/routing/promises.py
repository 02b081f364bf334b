"""What the router promises, to be demanded after every step of a day."""

from collections import Counter

import msgspec
import pytest

from domain.assignment import ConversationOffered
from domain.event import RuleBroken
from domain.routing.decide import decide, next_deadline, recompute
from domain.routing.decisions import Overflow
from domain.routing.evolve import evolve
from domain.routing.facts import Facts
from domain.routing.state import RouterState
from tests.domain.routing import looked_up, reference
from tests.domain.routing.day import AT_WORK, Day
from tests.domain.routing.shop import Shop, replayed

STEPS = 120


def demand_the_reference_agrees(shop: Shop) -> None:
    """Each decision is the one that the rules, looked up slowly, ask for; after the last one nothing is left to do.

    So nothing is overtaken by a lower score, and nothing waits while somebody may take it.
    """
    while decisions := shop.decide():
        assert decisions == shop.decide()  # asking again changes nothing

        owes_offers, overflowing = reference.owes_offers(shop), reference.overflows(shop)
        relaxing = reference.relaxations(shop, but_for=[] if owes_offers else overflowing)
        first = [*reference.ends(shop), *([] if owes_offers else overflowing), *relaxing]
        assert [reference.said(decision) for decision in decisions[: len(first)]] == first
        for index, decision in enumerate(decisions):
            if index >= len(first) and isinstance(decision, Overflow):
                assert reference.said(decision) in overflowing
                assert index > len(first) or reference.next_offer(shop) is None, "after an overflow offers come first"
            elif index >= len(first):
                assert owes_offers or not overflowing, "offers come when everything stands where it goes"
                assert reference.said(decision) == reference.next_offer(shop)
            if shop.find(decision.conversation_id)[0] in shop.unreadable:
                shop.obey(decision)
                assert shop.is_aside(decision.conversation_id)
                break  # what follows was decided beside it
            kept = kept_skills(shop, decision.conversation_id)
            shop.obey(decision)
            if isinstance(decision, Overflow):
                assert looked_up.enqueued(shop, decision.conversation_id)[2].skills == kept
            with pytest.raises(RuleBroken):  # a repeat, or a second router that has fallen behind
                shop.obey(decision)

    assert reference.next_offer(shop) is None
    assert [*reference.ends(shop), *reference.overflows(shop), *reference.relaxations(shop, but_for=[])] == []


def kept_skills(shop: Shop, conversation_id: str) -> dict[str, int]:
    """What it asks for by itself and no step has dropped since it came into its queue; 0 for its language if one has,
    here or before.
    """
    _, one = shop.find(conversation_id)
    asked, steps = looked_up.enqueued(shop, one.id)[2].skills, looked_up.relaxed(shop, one.id)
    kept = {skill: level for skill, level in asked.items() if all(skill in taken.skills for taken in steps)}
    prefix = shop.policy.rules.language_prefix
    spoken = prefix + one.language if prefix and one.language else ""
    timetable = looked_up.definition_of(shop, one.queue_id or "").relaxation[: looked_up.step_of(shop, one.id)]
    if spoken and (asked.get(spoken) == 0 or any(spoken in step.drop for step in timetable)):
        kept[spoken] = 0
    return kept


def demand_nobody_carries_too_much(shop: Shop) -> None:
    assert shop.wrongs == []
    assert {agent_id: desk.agent for agent_id, desk in shop.router.facts.desks.items()} == shop.agents


def demand_each_conversation_is_with_one_agent(shop: Shop) -> None:
    """What agents hold is what conversations say, once each."""
    held = Counter((conversation_id, name) for name, agent in shop.agents.items() for conversation_id in agent.work)
    said = Counter((one.id, one.agent_id) for _, one in shop.every(*AT_WORK))

    assert held == said
    assert all(times == 1 for times in Counter(conversation_id for conversation_id, _ in held).values())


def demand_the_timer_misses_nothing(shop: Shop, seconds: float) -> None:
    """Time alone makes nothing due before the moment that the timer was set to."""
    deadline = next_deadline(shop.router, shop.now)
    shop.wait(seconds)

    if deadline is None or deadline > shop.now:
        assert shop.decide() == []


def demand_a_cold_start_knows_the_same(shop: Shop) -> None:
    """From the whole log, and from a stored snapshot."""
    cold = replayed(shop.log)
    stored = msgspec.msgpack.encode(shop.router.facts)
    restored = RouterState(msgspec.msgpack.decode(stored, type=Facts))

    for state in (cold, restored):
        assert state.facts == shop.router.facts
        assert decide(state, shop.now) == shop.decide()
        assert next_deadline(state, shop.now) == next_deadline(shop.router, shop.now)


def demand_every_choice_can_be_recomputed(shop: Shop) -> None:
    """From the log up to the position that the choice names, with the time and the ordinal that it names."""
    recorded_choices: dict[int, list[ConversationOffered]] = {}
    for recorded in shop.log:
        if isinstance(recorded.event, ConversationOffered) and recorded.event.choice is not None:
            recorded_choices.setdefault(recorded.event.choice.position, []).append(recorded.event)
    state = RouterState()

    recomputed = 0
    for recorded in shop.log:
        evolve(state, recorded)
        for offered in recorded_choices.get(recorded.position, ()):
            assert offered.choice is not None
            offer = recompute(state, offered.choice)
            assert offer is not None
            for field in ("conversation_id", "queue_id", "offer_id", "agent_id", "units", "expires_at", "choice"):
                assert getattr(offer, field) == getattr(offered, field)
            recomputed += 1

    assert recomputed == sum(len(offers) for offers in recorded_choices.values())


def live_through(day: Day, steps: int = STEPS) -> None:
    """A day, with everything demanded at each of its steps."""
    day.open_doors()

    for step in range(steps):
        day.go_on()
        demand_the_reference_agrees(day.shop)
        demand_nobody_carries_too_much(day.shop)
        demand_each_conversation_is_with_one_agent(day.shop)
        demand_the_timer_misses_nothing(day.shop, seconds=day.random.choice((0, 0.5, 3, 10)))
        if step % 40 == 0:
            demand_a_cold_start_knows_the_same(day.shop)

    demand_every_choice_can_be_recomputed(day.shop)
