"""The routing policy: the rules the router decides by, in numbered versions."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.access.permissions import Action
from api.http.answer import Answer, done_answer, json_answer
from api.http.asked import Asked
from api.http.fields import Word
from api.http.operation import Nothing, command, read
from api.http.preconditions import etag
from domain.policy import Policy, RoutingPolicy

UnitsTaken = Annotated[int, Meta(ge=1, le=1_000)]
EXAMPLE = {"units": {"phone": 6, "webchat": 2, "whatsapp": 2, "email": 1}, "offer_timeout_seconds": 30}


class PolicyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules as they are to be. What is left out gets its default, not what it was before."""

    units: Annotated[dict[Word, UnitsTaken], Meta(max_length=100)] = msgspec.field(
        default_factory=lambda: dict(RoutingPolicy().units)
    )
    """Load units that a conversation of each channel takes."""
    units_otherwise: UnitsTaken = 2
    priority_boost_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 300
    """What one point of priority is worth in waiting time."""
    offer_timeout_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 20
    decline_rest_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 60
    """For so long a conversation is not offered again to who declined it, unless nobody else is left."""
    reopen_within_seconds: Annotated[int, Meta(ge=0, le=366 * 86_400)] = 7 * 86_400
    """A message within this time after closing continues the old conversation."""


@read("/v1/policy", Action.READ_POLICY, gives=Policy)
async def read_policy(asked: Asked[Nothing]) -> Answer:
    """The rules in force.

    With the number of their version; 0 are the rules a new deployment begins with.
    """
    policy = asked.parts.directory.policy
    return json_answer(policy, headers=[("etag", etag(policy.number))])


@command("/v1/policy/define", Action.DEFINE_POLICY, takes=PolicyWanted, example=EXAMPLE)
async def define_policy(asked: Asked[PolicyWanted]) -> Answer:
    """Set new rules.

    They replace all of the old; what was decided under those stays as it was.
    """
    rules = RoutingPolicy(**msgspec.structs.asdict(asked.given))
    return done_answer(await asked.parts.set_up.define_policy(asked.command, rules))


OPERATIONS = (read_policy, define_policy)
