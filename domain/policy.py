"""A routing policy: numbered, immutable versions of the rules that the router decides by."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from domain.event import Event, RuleBroken
from domain.workload import Ask

DAY_SECONDS = 86_400
WORDS_MAX = 200


class PolicyInvalid(RuleBroken):
    """The policy cannot work."""


class ChoiceRule(StrEnum):
    """Who of the agents that may be asked is asked first. Ties go to the longest idle, then to the lower id."""

    LONGEST_IDLE = "longest_idle"
    MOST_SKILLED = "most_skilled"
    """The highest sum of levels in the skills that the conversation asks for or prefers."""
    LEAST_LOADED = "least_loaded"
    """The smallest part of the capacity in use."""
    WEIGHTED = "weighted"
    """The highest `skill` x levels + `idle` x minutes idle - `load` x part of the capacity in use."""


class Weights(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the weighted choice counts, each per unit: a level, a minute, the whole capacity."""

    skill: float = 1.0
    idle: float = 1.0
    load: float = 1.0


class RoutingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The rules. A new version replaces the whole; what was decided under an older one stays as it was.

    What a policy of old did not know has a default that changes nothing, so that its decisions can be recomputed.
    Example: `{"units": {"phone": 6, "email": 1}, "blocks": {"call": ["chat"]}, "tiers": {"vip": 600}}`
    """

    units: dict[str, int] = msgspec.field(default_factory=lambda: {"phone": 6, "webchat": 2, "whatsapp": 2, "email": 1})
    """Load units that a conversation of each channel takes."""
    units_otherwise: int = 2
    kinds: dict[str, str] = msgspec.field(default_factory=lambda: {"phone": "call", "email": "mail"})
    """What sort of work a channel is, for `blocks` and `yields`."""
    kind_otherwise: str = "chat"
    at_most: dict[str, int] = {}
    """How many conversations of a channel an agent has at once, whatever their capacity."""
    blocks: dict[str, tuple[str, ...]] = {}
    """While an agent has work of this kind, none of those kinds is offered: `{"call": ["chat", "mail"]}`."""
    yields: dict[str, tuple[str, ...]] = {}
    """Work of this kind takes no room from those kinds, which may interrupt it: `{"mail": ["call", "chat"]}`."""
    priority_boost_seconds: int = 300
    """What one point of priority is worth in waiting time."""
    tiers: dict[str, int] = {}
    """What a customer's tier is worth in seconds of waiting time: `{"vip": 600}`."""
    sentiments: dict[str, int] = {}
    """The same of a mood: `{"angry": 120}`."""
    deadline_lead_seconds: int = 0
    """So long before it is due, a conversation gets the deadline boost; 0: deadlines do not count."""
    deadline_boost_seconds: int = 3_600
    language_prefix: str = ""
    """A conversation in a known language asks for the skill of this name and the language: `lang:` makes `lang:zh`."""
    language_level: int = 1
    known_agent_seconds: int = 0
    """So long a conversation waits for the agent who knows the customer, as long as they are available."""
    preferred_agent_seconds: int = 60
    """The same of the agent whom somebody named for it, since then or since it came into its queue."""
    choice: ChoiceRule = ChoiceRule.LONGEST_IDLE
    weights: Weights = Weights()
    offer_timeout_seconds: int = 20
    decline_rest_seconds: int = 60
    """For so long a conversation is not offered again to an agent who declined it, unless nobody else is left at work
    who could be given it, at once or when they are done with what keeps them busy."""
    lost_connection_seconds: int = 60
    """An agent whose screens have all been disconnected for so long is signed out."""
    reopen_within_seconds: int = 7 * DAY_SECONDS
    """A message within this time after closing continues the old conversation."""

    def units_of(self, channel: str) -> int:
        return self.units.get(channel, self.units_otherwise)

    def kind_of(self, channel: str) -> str:
        return self.kinds.get(channel, self.kind_otherwise)

    def ask(self, channel: str, units: int | None = None) -> Ask:
        """What a conversation of the channel asks of an agent's capacity; `units` where its queue says otherwise."""
        kind = self.kind_of(channel)
        return Ask(
            channel=channel,
            kind=kind,
            units=self.units_of(channel) if units is None else units,
            at_most=self.at_most.get(channel),
            blocked_by=tuple(sorted(held for held, blocked in self.blocks.items() if kind in blocked)),
            interrupts=tuple(sorted(held for held, to in self.yields.items() if kind in to)),
        )


class PolicyDefined(Event, topic="policy.defined"):
    """A new version of the rules; its number is its version in the stream."""

    rules: RoutingPolicy
    sha256: str
    """Hash of the rules in canonical JSON, so that any copy can be checked against it."""
    document_sha256: str = ""
    """The same of the routing document that it came with, its queues included; empty where it came alone."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decisions about a policy need to know."""

    rules: RoutingPolicy = RoutingPolicy()
    number: int = 0
    sha256: str = ""


NEW = Policy()


def evolve(policy: Policy, event: Event) -> Policy:
    """Only assigns. History is not up for debate, so nothing is checked here."""
    match event:
        case PolicyDefined(rules=rules, sha256=sha256):
            return Policy(rules=rules, number=policy.number + 1, sha256=sha256)
        case _:
            return policy


def define(policy: Policy, rules: RoutingPolicy, *, sha256: str) -> list[Event]:
    """Raises PolicyInvalid. The same rules again are not news."""
    for name, value, lowest, highest in _limits(rules):
        if not lowest <= value <= highest:
            raise PolicyInvalid(f"{name}: {value} is not within {lowest} to {highest}")
    for name, words in (("units", rules.units), ("kinds", rules.kinds), ("tiers", rules.tiers)):
        if len(words) > WORDS_MAX:
            raise PolicyInvalid(f"{name}: at most {WORDS_MAX}, not {len(words)}")
    _demand_kinds_exist(rules)
    if policy.number and rules == policy.rules:
        return []
    return [PolicyDefined(rules=rules, sha256=sha256)]


def _limits(rules: RoutingPolicy) -> Iterator[tuple[str, float, float, float]]:
    """Name, value, lowest and highest of every number."""
    yield "units_otherwise", rules.units_otherwise, 1, 1_000
    for channel, units in rules.units.items():
        yield f"units.{channel}", units, 1, 1_000
    for channel, number in rules.at_most.items():
        yield f"at_most.{channel}", number, 0, 1_000
    for name, boosts in (("tiers", rules.tiers), ("sentiments", rules.sentiments)):
        for word, seconds in boosts.items():
            yield f"{name}.{word}", seconds, -DAY_SECONDS, DAY_SECONDS
    for name in ("priority_boost", "deadline_lead", "deadline_boost", "known_agent", "preferred_agent", "decline_rest"):
        yield f"{name}_seconds", getattr(rules, f"{name}_seconds"), 0, DAY_SECONDS
    yield "offer_timeout_seconds", rules.offer_timeout_seconds, 1, DAY_SECONDS
    yield "lost_connection_seconds", rules.lost_connection_seconds, 5, DAY_SECONDS
    yield "reopen_within_seconds", rules.reopen_within_seconds, 0, 366 * DAY_SECONDS
    yield "language_level", rules.language_level, 1, 10
    for name in ("skill", "idle", "load"):
        yield f"weights.{name}", getattr(rules.weights, name), 0, 1_000_000


def _demand_kinds_exist(rules: RoutingPolicy) -> None:
    """Raises PolicyInvalid for a kind in the matrix that no channel is of."""
    known = {rules.kind_otherwise, *rules.kinds.values()}
    for name, matrix in (("blocks", rules.blocks), ("yields", rules.yields)):
        for held, others in matrix.items():
            for kind in (held, *others):
                if kind not in known:
                    raise PolicyInvalid(f"{name}.{held}: no channel is of kind {kind!r}; kinds are {sorted(known)}")
