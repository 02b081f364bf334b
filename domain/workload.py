"""How much an agent can hold: what a conversation asks of them, and the load it takes and frees."""

import msgspec

from domain.agent import Agent, LoadReleased, LoadTaken, NotAvailable, NotSignedIn, Presence
from domain.event import Event, RuleBroken

UNREADABLE = "cannot be read"
"""Why load is released of work that nobody can decide anything about."""


class AtCapacity(RuleBroken):
    """The agent has no room for this load."""


class Ask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a conversation asks of an agent's capacity, as the routing policy has it."""

    channel: str
    units: int
    kind: str = ""
    at_most: int | None = None
    """How many of this channel an agent has at once."""
    blocked_by: tuple[str, ...] = ()
    """Kinds of work beside which it is not given."""
    interrupts: tuple[str, ...] = ()
    """Kinds of work that make room for it."""

    @property
    def is_plain(self) -> bool:
        """Whether the units alone say if there is room."""
        return self.at_most is None and not self.blocked_by and not self.interrupts


def part_in_use(agent: Agent) -> float:
    """Of the agent's capacity, 0 to 1; who has none has no free part."""
    return agent.load / agent.capacity if agent.capacity else 1.0


def has_room(agent: Agent, ask: Ask) -> bool:
    """Whether the agent has room for it, be they available or not: `no_room` without words."""
    held = agent.work.values()
    if ask.blocked_by and any(work.kind in ask.blocked_by for work in held):
        return False
    if ask.at_most is not None and sum(work.channel == ask.channel for work in held) >= ask.at_most:
        return False
    load = sum(work.units for work in held if work.kind not in ask.interrupts)
    return load + ask.units <= agent.capacity


def no_room(agent: Agent, ask: Ask) -> str:
    """Why the agent has no room: `no room: 4 of 6 units held, 6 needed`, `blocked by call`; empty if they do."""
    held = agent.work.values()
    for work in held:
        if work.kind in ask.blocked_by:
            return f"blocked by {work.kind}"
    if ask.at_most is not None:
        already = sum(work.channel == ask.channel for work in held)
        if already >= ask.at_most:
            return f"no room: {already} of at most {ask.at_most} of {ask.channel}"
    load = sum(work.units for work in held if work.kind not in ask.interrupts)
    if load + ask.units > agent.capacity:
        return f"no room: {load} of {agent.capacity} units held, {ask.units} needed"
    return ""


def take_load(agent: Agent, *, conversation_id: str, customer_id: str, ask: Ask, override: str = "") -> list[Event]:
    """For an offer. Raises NotAvailable, AtCapacity."""
    if agent.presence is not Presence.AVAILABLE:
        raise NotAvailable
    return resume_load(agent, conversation_id=conversation_id, customer_id=customer_id, ask=ask, override=override)


def pick_load(agent: Agent, *, conversation_id: str, customer_id: str, ask: Ask) -> list[Event]:
    """For work that they choose themselves, also while away. Raises NotSignedIn, AtCapacity."""
    if not agent.is_signed_in:
        raise NotSignedIn
    return resume_load(agent, conversation_id=conversation_id, customer_id=customer_id, ask=ask)


def resume_load(agent: Agent, *, conversation_id: str, customer_id: str, ask: Ask, override: str = "") -> list[Event]:
    """For work of their own taken up again, also while away. `override` says why it is given in spite of no room.

    Raises AtCapacity.
    """
    reason = no_room(agent, ask)
    if reason and not override:
        raise AtCapacity(f"the agent has {reason}" if reason.startswith("no room") else reason)
    return [
        LoadTaken(
            conversation_id=conversation_id,
            customer_id=customer_id,
            units=ask.units,
            channel=ask.channel,
            kind=ask.kind,
            override=override if reason else "",
        )
    ]


def release_load(agent: Agent, *, conversation_id: str, reason: str) -> list[Event]:
    """Nothing where the conversation is not theirs. One on hold takes no load; letting go of it frees 0 units."""
    if conversation_id not in agent.work and conversation_id not in agent.on_hold:
        return []
    units = agent.work[conversation_id].units if conversation_id in agent.work else 0
    return [LoadReleased(conversation_id=conversation_id, units=units, reason=reason)]
