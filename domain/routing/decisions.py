"""What the router decides: one structure for each kind of decision, with all that carrying it out needs."""

from datetime import datetime

import msgspec

from domain.assignment import Choice
from domain.event import RuleBroken
from domain.policy import Policy
from domain.queue import OverflowRule, Queue, QueueDefinition
from domain.routing.facts import UNDEFINED
from domain.routing.lines import Terms
from domain.workload import Ask


class RulesMoved(RuleBroken):
    """The queue or the policy is another by now than the one that this was decided by."""


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Put this conversation before this agent."""

    conversation_id: str
    customer_id: str
    queue_id: str
    agent_id: str
    offer_id: str
    terms: Terms
    """What it asks of the agent, by its queue, the policy and its own skills and language."""
    expires_at: datetime
    choice: Choice
    definition: QueueDefinition
    """Of its queue, by which this was decided; the policy's number stands in the choice."""
    language: str = ""
    skills: dict[str, int] = {}
    """As the conversation had both: if it has others by now, it asks for other agents."""

    @property
    def ask(self) -> Ask:
        """Of the agent's capacity."""
        return self.terms.ask

    @property
    def units(self) -> int:
        """Load units that it takes."""
        return self.ask.units

    @property
    def policy_version(self) -> int:
        """Of the policy that this was decided by."""
        return self.choice.policy_version


class Expire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The agent did not answer in time: end the offer and set the agent to away."""

    conversation_id: str
    customer_id: str
    offer_id: str
    agent_id: str


class Withdraw(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The agent has signed out, or may not have it any more: take the offer back."""

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
    definition: QueueDefinition
    """As of an offer."""
    policy_version: int


class Overflow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A limit of its queue is hit: it goes elsewhere."""

    conversation_id: str
    customer_id: str
    queue_id: str
    rule: OverflowRule
    definition: QueueDefinition
    """As of an offer."""
    policy_version: int
    gave_up: str = ""
    """The skill that its language asks for, where a timetable has dropped it: it is asked for no longer."""


Decision = Offer | Expire | Withdraw | Relax | Overflow
Ruled = Offer | Relax | Overflow
"""Those that come of the rules."""


def demand_same_rules(decision: Ruled, queue: Queue, policy: Policy) -> None:
    """Raises RulesMoved. What was decided by other rules may be what these refuse, and is decided anew."""
    if policy.number != decision.policy_version or (queue.definition or UNDEFINED) != decision.definition:
        raise RulesMoved
