"""A routing policy: numbered, immutable versions of the rules that the router decides by."""

import msgspec

from domain.event import Event, RuleBroken


class PolicyInvalid(RuleBroken):
    """The policy cannot work."""


class RoutingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The rules. A new version replaces the whole; what was decided under an older one stays as it was."""

    units: dict[str, int] = msgspec.field(default_factory=lambda: {"phone": 6, "webchat": 2, "whatsapp": 2, "email": 1})
    """Load units that a conversation of each channel takes."""
    units_otherwise: int = 2
    priority_boost_seconds: int = 300
    """What one point of priority is worth in waiting time."""
    offer_timeout_seconds: int = 20
    decline_rest_seconds: int = 60
    """For so long a conversation is not offered again to an agent who declined it, unless nobody else is left."""
    reopen_within_seconds: int = 7 * 86_400
    """A message within this time after closing continues the old conversation."""

    def units_of(self, channel: str) -> int:
        return self.units.get(channel, self.units_otherwise)


class PolicyDefined(Event, topic="policy.defined"):
    """A new version of the rules; its number is its version in the stream."""

    rules: RoutingPolicy
    sha256: str
    """Hash of the rules in canonical JSON, so that any copy can be checked against it."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decisions about a policy need to know."""

    rules: RoutingPolicy = RoutingPolicy()
    number: int = 0


NEW = Policy()


def evolve(policy: Policy, event: Event) -> Policy:
    """Only assigns. History is not up for debate, so nothing is checked here."""
    match event:
        case PolicyDefined(rules=rules):
            return Policy(rules=rules, number=policy.number + 1)
        case _:
            return policy


def define(policy: Policy, rules: RoutingPolicy, *, sha256: str) -> list[Event]:
    """Raises PolicyInvalid. The same rules again are not news."""
    limits = {
        "units_otherwise": (rules.units_otherwise, 1, 1_000),
        "priority_boost_seconds": (rules.priority_boost_seconds, 0, 86_400),
        "offer_timeout_seconds": (rules.offer_timeout_seconds, 1, 86_400),
        "decline_rest_seconds": (rules.decline_rest_seconds, 0, 86_400),
        "reopen_within_seconds": (rules.reopen_within_seconds, 0, 366 * 86_400),
        **{f"units.{channel}": (units, 1, 1_000) for channel, units in rules.units.items()},
    }
    for name, (value, lowest, highest) in limits.items():
        if not lowest <= value <= highest:
            raise PolicyInvalid(f"{name}: {value} is not within {lowest} to {highest}")
    if policy.number and rules == policy.rules:
        return []
    return [PolicyDefined(rules=rules, sha256=sha256)]
