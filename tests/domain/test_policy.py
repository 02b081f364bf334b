"""A routing policy: numbered versions of the rules."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain import policy
from domain.agent import AgentSignedIn
from domain.policy import Policy, PolicyDefined, PolicyInvalid, RoutingPolicy, Weights

RULES = RoutingPolicy(decline_rest_seconds=30)


def a_policy() -> Policy:
    return policy.evolve(policy.NEW, PolicyDefined(rules=RULES, sha256="aa"))


def test_the_first_version_is_recorded_even_if_it_says_nothing_new() -> None:
    events = policy.define(policy.NEW, RoutingPolicy(), sha256="aa")

    assert events == [PolicyDefined(rules=RoutingPolicy(), sha256="aa")]


def test_each_version_has_the_next_number() -> None:
    rules = RoutingPolicy(decline_rest_seconds=31)

    (event,) = policy.define(a_policy(), rules, sha256="bb")

    assert policy.evolve(a_policy(), event) == Policy(rules=rules, number=2, sha256="bb")


def test_the_same_rules_again_are_ignored() -> None:
    events = policy.define(a_policy(), RoutingPolicy(decline_rest_seconds=30), sha256="aa")

    assert events == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"units": {"phone": 0}}, "units.phone"),
        ({"units": {"phone": 1_001}}, "units.phone"),
        ({"units_otherwise": 0}, "units_otherwise"),
        ({"priority_boost_seconds": -1}, "priority_boost_seconds"),
        ({"priority_boost_seconds": 86_401}, "priority_boost_seconds"),
        ({"offer_timeout_seconds": 0}, "offer_timeout_seconds"),
        ({"decline_rest_seconds": -1}, "decline_rest_seconds"),
        ({"reopen_within_seconds": 367 * 86_400}, "reopen_within_seconds"),
        ({"units": dict.fromkeys(map(str, range(201)), 1)}, "units"),
        ({"tiers": dict.fromkeys(map(str, range(201)), 1)}, "tiers"),
        ({"at_most": {"phone": -1}}, "at_most.phone"),
        ({"tiers": {"vip": 86_401}}, "tiers.vip"),
        ({"sentiments": {"angry": -86_401}}, "sentiments.angry"),
        ({"deadline_lead_seconds": -1}, "deadline_lead_seconds"),
        ({"deadline_boost_seconds": 86_401}, "deadline_boost_seconds"),
        ({"known_agent_seconds": -1}, "known_agent_seconds"),
        ({"lost_connection_seconds": 4}, "lost_connection_seconds"),
        ({"language_level": 0}, "language_level"),
        ({"language_level": 11}, "language_level"),
        ({"weights": Weights(skill=-1)}, "weights.skill"),
        ({"weights": Weights(idle=1_000_001)}, "weights.idle"),
        ({"weights": Weights(load=float("nan"))}, "weights.load"),
        ({"blocks": {"call": ("letter",)}}, "blocks.call"),
        ({"blocks": {"letter": ("call",)}}, "blocks.letter"),
        ({"yields": {"mail": ("letter",)}}, "yields.mail"),
    ],
)
def test_rules_that_cannot_work_are_refused_by_field(change: dict[str, Any], field: str) -> None:
    rules = replace(RULES, **change)

    with pytest.raises(PolicyInvalid, match=f"^{field}: "):
        policy.define(policy.NEW, rules, sha256="aa")


def test_a_channel_without_units_of_its_own_takes_the_others() -> None:
    rules = RoutingPolicy(units={"phone": 6}, units_otherwise=3)

    assert (rules.units_of("phone"), rules.units_of("carrier pigeon")) == (6, 3)


def test_a_conversation_asks_for_its_channels_units_unless_its_queue_says_otherwise() -> None:
    rules = RoutingPolicy(units={"phone": 6}, at_most={"phone": 1}, blocks={"call": ("chat",), "mail": ("call",)})

    asked = rules.ask("phone"), rules.ask("phone", 3), rules.ask("webchat")

    assert [(ask.kind, ask.units, ask.at_most, ask.blocked_by) for ask in asked] == [
        ("call", 6, 1, ("mail",)),
        ("call", 3, 1, ("mail",)),
        ("chat", 2, None, ("call",)),
    ]


def test_a_kind_interrupts_what_yields_to_it() -> None:
    rules = RoutingPolicy(yields={"mail": ("call", "chat"), "chat": ("call",)})

    assert rules.ask("phone").interrupts == ("chat", "mail")
    assert rules.ask("email").interrupts == ()


def test_a_matrix_of_kinds_that_there_are_is_taken() -> None:
    rules = RoutingPolicy(blocks={"call": ("chat", "mail")}, yields={"mail": ("call", "chat")})

    assert policy.define(policy.NEW, rules, sha256="aa") == [PolicyDefined(rules=rules, sha256="aa")]


def test_an_event_of_another_kind_changes_nothing() -> None:
    assert policy.evolve(a_policy(), AgentSignedIn()) == a_policy()
