"""What an explanation says, stage by stage, of decisions taken in a shop in memory."""

import io
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from rich.console import Console

from api.command_line.routing.explained import printed
from application.explaining.explanation import Explanation
from application.explaining.stages import DecisionUnknown, explanation_of, stands_at
from domain.agent import Presence
from domain.assignment import ConversationOffered
from domain.event import Recorded, Redacted
from domain.policy import ChoiceRule, RoutingPolicy
from tests.domain.routing.shop import Shop, replayed
from tests.domain.routing.situations import a_shop_with
from tests.domain.situations import MEI, NOON, OLA, QUEUE

PIA = "agent-pia"
TED = "agent-ted"


def the_offer(log: Sequence[Recorded]) -> Recorded:
    """The newest one."""
    return [one for one in log if isinstance(one.event, ConversationOffered)][-1]


def explained(shop: Shop, agent_id: str | None = None, offered: Recorded | None = None) -> Explanation:
    """The newest offer, from the log as it stands."""
    offered = offered or the_offer(shop.log)
    history = [one for one in shop.log if one.stream == offered.stream]
    return explanation_of(offered, history, replayed(shop.log[: stands_at(offered)]), agent_id)


def a_shop_that_offered_to_mei() -> Shop:
    """Pia is idle the longest but not good enough, Ted is away, and something older waits that nobody can do."""
    shop = a_shop_with(PIA, MEI, OLA)
    shop.hire(TED, {"returns": 9}, 2)
    shop.turn(TED, Presence.AWAY)
    shop.open_queue("queue-chinese", {"lang:zh": 5})
    shop.open_queue(QUEUE, {"returns": 3})
    for agent_id, level in ((MEI, 4), (OLA, 4), (PIA, 2)):
        shop.train(agent_id, {"returns": level})
    shop.arrive("chinese", "queue-chinese")
    shop.wait(10)
    shop.arrive("first", QUEUE, channel="email", priority=1)
    shop.wait(5)
    shop.route()
    return shop


def test_the_first_stages_tell_how_it_came_in_and_waited() -> None:
    told = explained(a_shop_that_offered_to_mei())

    assert told.intake is not None
    assert (told.intake.channel, told.intake.account_id) == ("email", "account-email")
    assert told.intake.first_message_position is not None
    assert told.intake.first_message_position > told.intake.position
    assert told.classification.priority == 1
    assert (told.queue.queue_id, told.queue.requirement, told.queue.units) == (QUEUE, {"returns": 3}, 1)
    assert (told.queue.score, told.queue.place, told.queue.waiting) == (305.0, 1, 2)
    assert told.queue.waiting_since == told.queue.entered_at == NOON.replace(minute=3, second=10)


def test_the_last_stage_tells_the_winner_and_everybody_else() -> None:
    told = explained(a_shop_that_offered_to_mei()).assignment

    assert (told.agent_id, told.runner_up, told.rule, told.eligible) == (MEI, OLA, "longest_idle", 2)
    assert [(one.agent_id, one.rank) for one in told.candidates] == [(MEI, 1), (OLA, 2), (PIA, None), (TED, None)]
    assert told.tie_break == f"idle 60 s longer than {OLA}"
    assert told.recomputed is True


def test_it_is_told_why_another_agent_came_later() -> None:
    told = explained(a_shop_that_offered_to_mei(), OLA).why_not

    assert told is not None
    assert (told.rank, told.excluded, told.winner_otherwise) == (2, (), None)
    assert told.answer == f"They would have been asked 2nd of 2, after {MEI}."


@pytest.mark.parametrize(
    ("agent_id", "excluded", "winner"),
    [(PIA, ("no skill returns at level 3, has 2",), PIA), (TED, ("away",), MEI)],
)
def test_it_is_told_why_an_agent_could_not_be_asked_and_who_would_have_won_otherwise(
    agent_id: str, excluded: tuple[str, ...], winner: str
) -> None:
    told = explained(a_shop_that_offered_to_mei(), agent_id).why_not

    assert told is not None
    assert (told.excluded, told.winner_otherwise) == (excluded, winner)


@pytest.mark.parametrize("agent_id", [PIA, TED])
def test_what_is_foretold_of_other_circumstances_comes_true(agent_id: str) -> None:
    shop = a_shop_that_offered_to_mei()
    foretold = explained(shop, agent_id).why_not
    offered = the_offer(shop.log)

    again = Shop()
    for recorded in shop.log[: stands_at(offered)]:
        again.now = recorded.recorded_at
        again.record(recorded.stream, [recorded.event])
    again.now = offered.recorded_at
    if agent_id == PIA:
        again.train(PIA, {"returns": 3})
    else:
        again.turn(TED, Presence.AVAILABLE)
    again.route()

    assert foretold is not None
    assert explained(again).assignment.agent_id == foretold.winner_otherwise


def test_why_not_is_answered_for_the_winner_and_for_nobody() -> None:
    shop = a_shop_that_offered_to_mei()

    answers = [explained(shop, agent_id).why_not for agent_id in (MEI, "agent-nobody")]

    assert [one.answer for one in answers if one] == [
        "They were offered it.",
        "There was no such agent at that moment.",
    ]


def test_a_record_that_was_altered_does_not_come_out_the_same() -> None:
    shop = a_shop_that_offered_to_mei()
    offered = the_offer(shop.log)

    told = explained(shop, offered=replace(offered, event=replace(offered.event, agent_id=OLA))).assignment

    assert told.recomputed is False
    assert told.recomputed_as == f"first to {MEI} with score 305.0"


def test_a_persons_choice_is_told_as_such() -> None:
    shop = a_shop_that_offered_to_mei()
    offered = the_offer(shop.log)
    by_hand = replace(offered, event=replace(offered.event, choice=None), actor="person-ada")

    told = explained(shop, MEI, by_hand)
    why_not_ola = explained(shop, OLA, by_hand).why_not

    assert (told.assignment.decided_by, told.assignment.recomputed) == ("person-ada", None)
    assert (told.assignment.candidates, told.assignment.policy_version) == ([], None)
    assert why_not_ola is not None
    assert why_not_ola.answer.startswith("A person chose")


def test_what_routing_knew_and_how_far_it_was_relaxed_is_told() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.adopt(RoutingPolicy(tiers={"vip": 120}, language_prefix="lang:", choice=ChoiceRule.MOST_SKILLED))
    steps = [{"after_seconds": 30, "drop": ["returns"], "widen": ["night"]}]
    shop.open_queue(QUEUE, {"returns": 9}, relaxation=steps, groups=["day"], preferred_skills={"care": 2})
    for agent_id, care in ((MEI, 1), (OLA, 3)):
        shop.train(agent_id, {"care": care, "lang:zh": 5})
        shop.entitle(agent_id, groups=["night"])
    shop.arrive("first", QUEUE)
    shop.classify("first", tier="vip", language="zh")
    shop.wait(40)
    shop.route()

    told = explained(shop)

    known, queue, made = told.classification, told.queue, told.assignment
    assert (known.tier, known.language) == ("vip", "zh")
    assert (queue.step, queue.requirement, queue.groups) == (1, {"lang:zh": 1}, ("day", "night"))
    assert (queue.score, queue.parts) == (160.0, {"age": 40.0, "tier": 120})
    assert (made.agent_id, made.rule, made.preference) == (OLA, "most_skilled", "preferred_skills")
    assert made.tie_break == f"has the preferred skills, unlike {MEI}"
    assert [(one.agent_id, one.preference) for one in made.candidates] == [(OLA, "preferred_skills"), (MEI, "")]
    assert made.recomputed is True


def test_the_rule_of_choice_tells_what_it_counted() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.adopt(RoutingPolicy(choice=ChoiceRule.MOST_SKILLED))
    shop.open_queue(QUEUE, {"returns": 1})
    for agent_id, level in ((MEI, 4), (OLA, 7)):
        shop.train(agent_id, {"returns": level})
    shop.arrive("first", QUEUE)
    shop.route()

    made = explained(shop).assignment

    assert made.tie_break == f"7 against 4 of {MEI}, by the rule most_skilled"
    assert [(one.agent_id, one.merit) for one in made.candidates] == [(OLA, 7.0), (MEI, 4.0)]


def test_what_was_erased_cannot_be_explained() -> None:
    shop = a_shop_that_offered_to_mei()
    offered = the_offer(shop.log)
    erased = replace(offered, event=Redacted(original_topic=offered.topic))

    with pytest.raises(DecisionUnknown):
        explained(shop, offered=erased)


GAP = "work of people who have been erased since waited beside it"


def test_what_comes_out_otherwise_beside_a_gap_is_unproven_and_printed_so() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("erased", QUEUE)
    shop.arrive("other", QUEUE)
    shop.route()
    offered = the_offer(shop.log)
    readable = [one for one in shop.log[: stands_at(offered)] if one.stream != "customer-erased"]

    told = explanation_of(offered, [], replayed(readable), gap=GAP)

    made = told.assignment
    assert (made.recomputed, made.recomputed_as, made.unproven) == (None, "", GAP)
    assert str(list(printed(told))[-1]).strip() == f"Unproven: {GAP}."


def test_what_comes_out_the_same_beside_a_gap_is_proven() -> None:
    shop = a_shop_that_offered_to_mei()
    offered = the_offer(shop.log)

    made = explanation_of(offered, [], replayed(shop.log[: stands_at(offered)]), gap=GAP).assignment

    assert (made.recomputed, made.unproven) == (True, "")


def test_agents_are_printed_with_their_names_wherever_they_are_told_of() -> None:
    shop = a_shop_that_offered_to_mei()
    told = explained(shop, PIA)
    named = [replace(one, name=one.agent_id.removeprefix("agent-").title()) for one in told.assignment.candidates]
    told = replace(told, assignment=replace(told.assignment, candidates=named))
    console = Console(width=200, record=True, file=io.StringIO())

    for part in printed(told):
        console.print(part)

    shown = console.export_text()
    assert f"offered to Mei ({MEI})" in shown
    assert f"longer than Ola ({OLA})" in shown
    assert f"why not Pia ({PIA})?" in shown
    assert f"Pia ({PIA}) would have got it" in shown
