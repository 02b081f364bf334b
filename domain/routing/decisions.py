"""What the router decides: one structure for each kind of decision, with all that carrying it out needs."""

from datetime import datetime

import msgspec

from domain.assignment import Choice
from domain.queue import OverflowRule
from domain.workload import Ask


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Put this conversation before this agent."""

    conversation_id: str
    customer_id: str
    queue_id: str
    agent_id: str
    offer_id: str
    ask: Ask
    expires_at: datetime
    choice: Choice
    language: str = ""
    skills: dict[str, int] = {}
    """As the conversation had both: if it has others by now, it asks for other agents."""

    @property
    def units(self) -> int:
        """Load units that it takes."""
        return self.ask.units


class Expire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The agent did not answer in time: end the offer and set the agent to away."""

    conversation_id: str
    customer_id: str
    offer_id: str
    agent_id: str


class Withdraw(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The agent has signed out: take the offer back."""

    conversation_id: str
    customer_id: str
    offer_id: str
    agent_id: str
    reason: str


class Relax(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """It has waited long enough to ask less."""

    conversation_id: str
    customer_id: str
    queue_id: str
    step: int
    """How many steps of the queue's timetable are taken with this one."""
    skills: dict[str, int]
    groups: tuple[str, ...]


class Overflow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A limit of its queue is hit: it goes elsewhere."""

    conversation_id: str
    customer_id: str
    queue_id: str
    rule: OverflowRule
    gave_up: str = ""
    """The skill that its language asks for, where a timetable has dropped it: it is asked for no longer."""


Decision = Offer | Expire | Withdraw | Relax | Overflow
