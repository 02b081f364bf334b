"""What routing is told of a conversation: what kind it is, how old it counts, who gets it in spite of the rules."""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.access.ownership import on_conversation
from api.access.permissions import Action
from api.http.answer import Answer, done_answer
from api.http.asked import Asked
from api.http.fields import NO_NUL, AgentId, Reason, SaidReason
from api.http.known import demand_known
from api.http.operation import command
from api.http.refusals import Invalid
from api.routes.work import CONVERSATION
from domain.classification import AGE_ADJUSTMENT_MAX

Mark = Annotated[str, Meta(max_length=64, extra_json_schema=NO_NUL)]
Language = Annotated[str, Meta(pattern="^([a-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$", max_length=35)]
"""BCP 47, the language itself in small letters: `zh`, `pt-BR`."""


class MarksWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known better now, one thing at least; what is left out stays, what is empty is taken back."""

    SCHEMA: ClassVar = {"minProperties": 1}

    tier: Mark | UnsetType = UNSET
    """How much the customer means; the policy says what it is worth. Holds for their later conversations too."""
    language: Language | UnsetType = UNSET
    """As BCP 47 names it. Holds for their later conversations too."""
    sentiment: Mark | UnsetType = UNSET
    """Their mood in this conversation; the policy says what it is worth."""


class AgeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much older, or younger, it is to count."""

    seconds: Annotated[int, Meta(ge=-AGE_ADJUSTMENT_MAX, le=AGE_ADJUSTMENT_MAX)]
    """In all, not in addition; 0 undoes it."""
    reason: Reason = ""


class PreferenceWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is to have it, if they can."""

    agent_id: AgentId | None
    """null takes back whoever was named."""
    later_too: bool = False
    """For the customer's later conversations as well: they have an agent of their own, or have none any more."""
    reason: Reason = ""


class GiftWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom, and why they get it in spite of the rules."""

    to_agent_id: AgentId
    override: SaidReason
    """Why it is theirs although they may have no room; it is recorded with the load that they take."""
    reason: Reason = ""


def _place(asked: Asked[Any]) -> tuple[str, str]:
    return asked.ids["customer_id"], asked.ids["conversation_id"]


@command(
    CONVERSATION + "/classify",
    Action.CLASSIFY_CONVERSATIONS,
    takes=MarksWanted,
    has_revision=True,
    example={"tier": "vip", "language": "zh", "sentiment": "angry"},
)
async def classify(asked: Asked[MarksWanted]) -> Answer:
    """Say what kind of conversation it is.

    Its place in the order, and with a language the skill it asks for, follow at once. Agents say so of what they
    hold, adapters of what came in on the accounts of their key.
    """
    given = asked.given
    marks = {name: mark for name in given.__struct_fields__ if (mark := getattr(given, name)) is not UNSET}
    if not marks:
        raise Invalid("$", "name a tier, a language or a sentiment")
    done = await on_conversation(asked, lambda one: asked.parts.steer.classify(one, *_place(asked), **marks))
    return done_answer(done)


@command(
    CONVERSATION + "/prefer_agent",
    Action.CLASSIFY_CONVERSATIONS,
    takes=PreferenceWanted,
    has_revision=True,
    example={"agent_id": "agent-0193a7c2d4e57f0aa1b2c3d4e5f60718", "later_too": True, "reason": "account manager"},
)
async def prefer_agent(asked: Asked[PreferenceWanted]) -> Answer:
    """Say who is to have a conversation, if they can.

    It waits for them for the policy's `preferred_agent_seconds`, with room or without, unless they are away or signed
    out, may not have it, or declined it: then it goes to somebody else at once, and the decision says why.
    """
    given = asked.given
    if given.agent_id is not None:
        await demand_known(asked.parts, given.agent_id)
    prefer = asked.parts.steer.prefer_agent
    done = await on_conversation(
        asked, lambda one: prefer(one, *_place(asked), given.agent_id, given.reason, later_too=given.later_too)
    )
    return done_answer(done)


@command(
    CONVERSATION + "/adjust_age",
    Action.OVERRIDE_ROUTING,
    takes=AgeWanted,
    has_revision=True,
    example={"seconds": 600, "reason": "was cut off before"},
)
async def adjust_age(asked: Asked[AgeWanted]) -> Answer:
    """Let a conversation count as older or younger than it is.

    That moves it in the order only: the measured wait stays what it is.
    """
    given = asked.given
    done = await asked.parts.steer.adjust_age(asked.command, *_place(asked), given.seconds, given.reason)
    return done_answer(done)


@command(
    CONVERSATION + "/give",
    Action.OVERRIDE_ROUTING,
    takes=GiftWanted,
    has_revision=True,
    example={
        "to_agent_id": "agent-0193a7c2d4e57f0aa1b2c3d4e5f60718",
        "override": "the customer asked for Kim",
        "reason": "knows the case",
    },
)
async def give(asked: Asked[GiftWanted]) -> Answer:
    """Give a conversation to an agent although they have no room.

    It is offered to them at once, whatever they hold; who is not available still gets nothing (`not-available`).
    """
    given = asked.given
    await demand_known(asked.parts, given.to_agent_id)
    done = await asked.parts.steer.transfer_to_agent(
        asked.command, *_place(asked), given.to_agent_id, given.reason, given.override
    )
    return done_answer(done)


OPERATIONS = (classify, prefer_agent, adjust_age, give)
