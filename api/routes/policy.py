"""The routing policy: the rules the router decides by, in numbered versions."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.access.permissions import Action
from api.http.answer import Answer, Doubt, Stands, done_answer, doubts, json_answer
from api.http.asked import Asked
from api.http.fields import NO_NUL, Level, UnitsTaken, Word, Words
from api.http.operation import Nothing, command, read
from api.http.preconditions import etag
from domain.policy import WORDS_MAX, ChoiceRule, Policy, RoutingPolicy

AtMost = Annotated[int, Meta(ge=0, le=1_000)]
Boost = Annotated[int, Meta(ge=-86_400, le=86_400)]
UptoADay = Annotated[int, Meta(ge=0, le=86_400)]
Matrix = Annotated[dict[Word, Words], Meta(max_length=WORDS_MAX)]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
EXAMPLE = {
    "units": {"phone": 6, "webchat": 2, "whatsapp": 2, "email": 1},
    "kinds": {"phone": "call", "email": "mail"},
    "at_most": {"email": 4},
    "blocks": {"call": ["chat"]},
    "yields": {"mail": ["call", "chat"]},
    "tiers": {"vip": 600},
    "sentiments": {"angry": 120},
    "language_prefix": "lang:",
    "deadline_lead_seconds": 60,
    "known_agent_seconds": 30,
    "choice": "weighted",
    "weights": {"skill": 1, "idle": 0.5, "load": 4},
    "offer_timeout_seconds": 30,
}


class WeightsWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the weighted choice counts, each per unit: a level, a minute, the whole capacity."""

    skill: Weight = 1.0
    idle: Weight = 1.0
    load: Weight = 1.0


class PolicyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules as they are to be. What is left out gets its default, not what it was before."""

    units: Annotated[dict[Word, UnitsTaken], Meta(max_length=WORDS_MAX)] = msgspec.field(
        default_factory=lambda: dict(RoutingPolicy().units)
    )
    """Load units that a conversation of each channel takes."""
    units_otherwise: UnitsTaken = 2
    kinds: Annotated[dict[Word, Word], Meta(max_length=WORDS_MAX)] = msgspec.field(
        default_factory=lambda: dict(RoutingPolicy().kinds)
    )
    """What sort of work a channel is, for `blocks` and `yields`."""
    kind_otherwise: Word = "chat"
    at_most: Annotated[dict[Word, AtMost], Meta(max_length=WORDS_MAX)] = {}
    """How many conversations of a channel an agent has at once, whatever their capacity."""
    blocks: Matrix = {}
    """While an agent has work of this kind, none of those kinds is offered."""
    yields: Matrix = {}
    """Work of this kind takes no room from those kinds, which may interrupt it."""
    priority_boost_seconds: UptoADay = 300
    """What one point of priority is worth in waiting time."""
    tiers: Annotated[dict[Word, Boost], Meta(max_length=WORDS_MAX)] = {}
    """What a customer's tier is worth in seconds of waiting time."""
    sentiments: Annotated[dict[Word, Boost], Meta(max_length=WORDS_MAX)] = {}
    """The same of a mood."""
    deadline_lead_seconds: UptoADay = 0
    """So long before it is due, a conversation gets the deadline boost; 0: deadlines do not count."""
    deadline_boost_seconds: UptoADay = 3_600
    language_prefix: Annotated[str, Meta(max_length=32, extra_json_schema=NO_NUL)] = ""
    """A conversation in a known language asks for the skill of this name and the language: `lang:` makes `lang:zh`."""
    language_level: Level = 1
    known_agent_seconds: UptoADay = 0
    """So long a conversation waits for the agent who knows the customer, as long as they are available."""
    preferred_agent_seconds: UptoADay = 60
    """The same of the agent whom somebody named for it; 0: nobody is waited for."""
    choice: ChoiceRule = ChoiceRule.LONGEST_IDLE
    """Who of the agents that may be asked is asked first."""
    weights: WeightsWanted = WeightsWanted()
    """Of the weighted choice."""
    offer_timeout_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 20
    decline_rest_seconds: UptoADay = 60
    """For so long a conversation is not offered again to who declined it, unless nobody else is left."""
    lost_connection_seconds: Annotated[int, Meta(ge=5, le=86_400)] = 60
    """An agent whose screens have all been disconnected for so long is signed out."""
    reopen_within_seconds: Annotated[int, Meta(ge=0, le=366 * 86_400)] = 7 * 86_400
    """A message within this time after closing continues the old conversation."""

    def rules(self) -> RoutingPolicy:
        return msgspec.convert(msgspec.to_builtins(self), RoutingPolicy)


class PolicyStands(Stands, kw_only=True):
    """Where the command led."""

    warnings: list[Doubt]
    """What is likely not meant, as things stand."""


@read("/v1/policy", Action.READ_POLICY, gives=Policy)
async def read_policy(asked: Asked[Nothing]) -> Answer:
    """The rules in force.

    With the number of their version; 0 are the rules a new deployment begins with.
    """
    policy = asked.parts.directory.policy
    return json_answer(policy, headers=[("etag", etag(policy.number))])


@command("/v1/policy/define", Action.DEFINE_POLICY, takes=PolicyWanted, gives=PolicyStands, example=EXAMPLE)
async def define_policy(asked: Asked[PolicyWanted]) -> Answer:
    """Set new rules.

    They replace all of the old; what was decided under those stays as it was. 409 `definition-refused` where by them
    nobody could serve a queue any more, or work that waits now.
    """
    done, warnings = await asked.parts.define.define_policy(asked.command, asked.given.rules())
    return done_answer(done, PolicyStands(position=done.position, warnings=doubts(warnings)))


OPERATIONS = (read_policy, define_policy)
