"""A history with other rules or other agents: what is named is different, all else stays as it was."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from application.plans.document import read_plan
from application.plans.plan import Plan
from application.plans.problems import PlanUnreadable
from application.whatif.recorded.history import Change, History
from application.whatif.roster import Another, RosterInvalid, roster_from
from application.whatif.scenario import Scenario, scenario_of
from domain.agent import AgentRegistered, CapacitySet, Presence, PresenceChanged, SkillsAssigned
from domain.event import Event
from domain.policy import PolicyDefined, RoutingPolicy
from domain.queue import QueueDefined, QueueDefinition
from tests.application.whatif.situations import NOON, a_history

QUEUE = "queue-returns"
MEI, OLA, LATE = "agent-000", "agent-001", "agent-late"
AT_ONE = NOON + timedelta(hours=1)


def an_afternoon(*changes: Change) -> History:
    """Mei and Ola at work, three contacts."""
    history = a_history(
        queues={QUEUE: {"returns": 2}},
        agents=[{"returns": 3, "lang:zh": 5}, {}],
        per_second=1 / 600,
        contacts=3,
        handling_seconds=60.0,
    )
    return replace(history, changes=list(changes))


def under(text: str) -> Scenario:
    history = an_afternoon()
    return scenario_of(history, read_plan(text, "policy.yaml", history.facts().queues))


def write(directory: Path, text: str, name: str = "policy.yaml") -> Path:
    path = directory / name
    path.write_text(text, "utf-8")
    return path


def staffed(*texts: str, history: History | None = None) -> Scenario:
    return scenario_of(history or an_afternoon(), roster=roster_from(list(texts)))


def skills(scenario: Scenario, agent_id: str) -> dict[str, int]:
    return scenario.facts().desks[agent_id].agent.skills


def changed(scenario: Scenario, agent_id: str) -> list[Event]:
    return [step.event for step in scenario.script if isinstance(step, Change) and step.stream == agent_id]


def test_a_plan_changes_what_it_names_and_nothing_else() -> None:
    assert under("policy: {priority_boost_seconds: 600}").facts().queues == an_afternoon().facts().queues

    facts = under("queues: {queue-returns: {priority: 4}}").facts()

    assert facts.definition(QUEUE) == QueueDefinition(name=QUEUE, priority=4)
    assert facts.policy.rules == RoutingPolicy()


def test_contacts_come_in_as_the_new_definition_takes_them() -> None:
    scenario = under("queues: {queue-returns: {priority: 4}}")

    assert {step.enqueued.priority for step in scenario.script if not isinstance(step, Change)} == {4}


def test_a_recorded_change_of_rules_gives_way_to_the_plan() -> None:
    history = an_afternoon(
        Change(AT_ONE, "policy-1", PolicyDefined(rules=RoutingPolicy(), sha256="")),
        Change(AT_ONE, QUEUE, QueueDefined(definition=QueueDefinition(name="Returns"))),
    )

    as_it_was = scenario_of(history)
    other = scenario_of(history, Plan(rules=RoutingPolicy(choice="most_skilled")))  # type: ignore[arg-type]

    assert [type(event) for event in changed(as_it_was, "policy-1")] == [PolicyDefined]
    assert (changed(other, "policy-1"), len(changed(other, QUEUE))) == ([], 1)


def test_a_plan_that_cannot_be_is_refused_with_its_place() -> None:
    with pytest.raises(PlanUnreadable, match="priority_bost_seconds"):
        under("policy: {priority_bost_seconds: 1}")


def test_added_agents_work_the_hours_of_their_colleagues() -> None:
    away = PresenceChanged(presence=Presence.AWAY)

    scenario = staffed("+3:returns=5,lang:zh=6", history=an_afternoon(Change(AT_ONE, OLA, away)))

    added = sorted(scenario.facts().desks.keys() - {MEI, OLA})
    assert [skills(scenario, one) for one in added] == [{"returns": 5, "lang:zh": 6}] * 3
    assert [changed(scenario, one) for one in added] == [[], [away], []]
    assert {scenario.facts().desks[one].agent.presence for one in added} == {Presence.AVAILABLE}


def test_added_agents_without_skills_are_like_their_colleagues() -> None:
    scenario = staffed("+1@12")

    (added,) = scenario.facts().desks.keys() - {MEI, OLA}
    assert (skills(scenario, added), scenario.facts().desks[added].agent.capacity) == ({"returns": 3, "lang:zh": 5}, 12)


def test_who_joined_later_can_be_joined_by_others() -> None:
    history = an_afternoon(
        Change(AT_ONE, LATE, AgentRegistered(name="Late")),
        Change(AT_ONE, LATE, SkillsAssigned(skills={"other": 1})),
        Change(AT_ONE, LATE, CapacitySet(units=2)),
    )
    like_late = Another(add=1, like="Late", skills={"returns": 4}, capacity=9)

    added = changed(scenario_of(history, roster=[like_late]), "agent-added-0001")

    assert [event for event in added if isinstance(event, SkillsAssigned)][-1] == SkillsAssigned(skills={"returns": 4})
    assert [event for event in added if isinstance(event, CapacitySet)][-1] == CapacitySet(units=9)


def test_a_change_of_skills_outlasts_what_was_recorded_later() -> None:
    history = an_afternoon(Change(AT_ONE, MEI, SkillsAssigned(skills={"returns": 4, "lang:zh": 6})))

    scenario = staffed("Agent 0:returns=9,lang:zh=0", history=history)

    assert skills(scenario, MEI) == {"returns": 9}
    assert changed(scenario, MEI) == [SkillsAssigned(skills={"returns": 9})]


def test_a_recorded_skill_ends_when_it_did_and_an_asked_for_one_never() -> None:
    assigned = SkillsAssigned(skills={"returns": 4, "lang:zh": 6}, expires={"returns": AT_ONE, "lang:zh": AT_ONE})

    scenario = staffed("Agent 0:returns=9", history=an_afternoon(Change(NOON, MEI, assigned)))

    (event,) = changed(scenario, MEI)
    assert event == SkillsAssigned(skills={"returns": 9, "lang:zh": 6}, expires={"lang:zh": AT_ONE})


def test_who_is_removed_never_came() -> None:
    away = Change(AT_ONE, MEI, PresenceChanged(presence=Presence.AWAY))

    scenario = staffed("-Agent 0", history=an_afternoon(away))

    assert (list(scenario.facts().desks), changed(scenario, MEI)) == ([OLA], [])


def test_a_file_says_the_same_as_the_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path, "- {add: 2, like: Agent 1, skills: {returns: 5}, capacity: 12}\n- {remove: Agent 0}", "team.yaml"
    )

    assert [replace(one, place="") for one in roster_from([str(path)])] == [
        Another(add=2, like="Agent 1", skills={"returns": 5}, capacity=12),
        Another(remove="Agent 0"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("+three:returns=5", "how many is a whole number, not 'three'"),
        ("+3:returns", "in 'returns' a level is missing, as in returns=5"),
        ("+3:returns=11", r"<= 10.*\.skills"),
        ("+0", ">= 1"),
        ("+1@lots", "capacity is a whole number, not 'lots'"),
        ("-Mei:returns=1", "who is removed needs neither"),
        ("", "nobody is named"),
        ("-Maria", "nobody is called Maria; there are Agent 0, Agent 1"),
    ],
)
def test_a_change_of_agents_that_cannot_be_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(RosterInvalid, match=says) as refused:
        staffed(text)

    assert repr(text) in str(refused.value)


def test_a_wrong_entry_of_a_file_is_named_by_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, "- {remove: Mei}\n- {add: 1, skils: {}}", "team.yaml")

    with pytest.raises(RosterInvalid, match=r"team\.yaml.*skils.*\$\[1\]"):
        roster_from([str(path)])
