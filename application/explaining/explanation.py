"""An explanation: why an agent was offered a conversation, in four stages. What people, programs and auditors read."""

from datetime import datetime

import msgspec


class Intake(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the conversation came in."""

    channel: str
    account_id: str
    position: int
    """Of the event that opened it."""
    occurred_at: datetime
    recorded_at: datetime
    first_message_position: int | None = None
    reopened: int = 0
    """How often it had been opened again by then."""


class Classification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What routing knew of it."""

    priority: int
    due_at: datetime | None = None
    tier: str = ""
    language: str = ""
    sentiment: str = ""
    age_adjustment_seconds: int = 0
    known_agent_id: str | None = None
    """Who served the customer last."""
    preferred_agent_id: str | None = None
    """Who is to have it, as somebody said."""


class Queued(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How it waited."""

    queue_id: str
    name: str
    position: int
    """Of the event that put it into this queue."""
    entered_at: datetime
    """When it came into this queue: the queue's timetable counts from then."""
    waiting_since: datetime
    """Since when the customer waited: moving to another queue keeps it."""
    requirement: dict[str, int]
    """Lowest level by skill that was asked for at that moment."""
    preferred: dict[str, int] = {}
    groups: tuple[str, ...] = ()
    """Whose members could serve it at that moment; empty: everybody."""
    step: int = 0
    """How many steps of the queue's timetable it had been relaxed by."""
    overflowed_from: tuple[str, ...] = ()
    units: int
    """Load units that it takes."""
    score: float
    """In seconds; the highest goes first."""
    parts: dict[str, float] = {}
    """What the score is made of: `{"age": 42.5, "priority": 600}`."""
    place: int
    """Among all that waited then, from 1: by score."""
    waiting: int
    """How many waited then, in all queues."""


class CandidateShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An agent in the light of the decision."""

    agent_id: str
    name: str = ""
    rank: int | None = None
    """From 1, in the order in which they would have been asked; none where excluded."""
    idle_since: datetime
    merit: float | None = None
    """What the rule of choice counts of them; more goes first."""
    preference: str = ""
    """What puts them before others: `preferred_agent`, `known_agent`, `preferred_skills`."""
    excluded: tuple[str, ...] = ()
    """Every reason, not only the first."""


class Assignment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who got it, and why.

    A person's choice has no policy, candidates or runner-up: `decided_by` and `how` say who chose, and in what way.
    """

    agent_id: str
    decided_by: str
    """`router`, or the person who chose."""
    how: str = ""
    """Of a person's choice: `picked`, `transferred`, `given`, `answered`."""
    position: int
    """The log as it stood when this was decided."""
    decided_at: datetime
    ordinal: int | None = None
    """Which of the decisions taken at that position and moment, from 0."""
    policy_version: int | None = None
    rule: str = ""
    preference: str = ""
    passed_over: str = ""
    """Why it did not wait for the agent whom somebody had named: `agent-…: away`."""
    eligible: int = 0
    tie_break: str = ""
    """What put the winner before the runner-up, in words."""
    runner_up: str | None = None
    candidates: list[CandidateShown] = []
    """Those who could be asked in their order, then the excluded."""
    recomputed: bool | None = None
    """Whether deciding again from the log gives the same winner, score and order; absent where a person chose, and
    where it is unproven."""
    recomputed_as: str = ""
    """What came out instead, where it does not."""
    unproven: str = ""
    """Why nobody can tell whether it comes out the same: what of the log can no longer be read."""


class WhyNot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why one agent did not get it."""

    agent_id: str
    answer: str
    """In words: `They would have been asked 2nd: …`, `They could not be asked: away; no skill lang:zh at level 5`."""
    rank: int | None = None
    excluded: tuple[str, ...] = ()
    winner_otherwise: str | None = None
    """Who would have got it at that moment if none of the reasons had been; absent where there were none."""


class Unassigned(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a conversation waits, and nobody has it, at this moment."""

    conversation_id: str
    customer_id: str
    position: int
    """Up to where the log had been read."""
    at: datetime
    intake: Intake | None
    classification: Classification
    queue: Queued
    is_closed: bool = False
    """The queue is, outside its opening hours: nobody is asked, whoever is there."""
    candidates: list[CandidateShown] = []
    """Those who could be asked in their order, then the excluded."""
    why_not: WhyNot | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why routing relaxed a conversation, sent it elsewhere, or ended an offer of it."""

    position: int
    """Of the event that tells it."""
    topic: str
    conversation_id: str
    customer_id: str
    queue_id: str
    recorded_at: datetime
    what: str
    """In words: `step 1 of the timetable of Returns: it asks for returns 3 instead of returns 5`."""
    because: str
    """The rule and its moment: `it came into the queue at … and after 60 s this step is due, at …`."""
    policy_version: int
    recomputed: bool = False
    """Whether deciding again from the log, at the moment at which it was recorded, gives the same."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an agent was offered a conversation."""

    offer_id: str
    position: int
    """Of the event that tells the offer."""
    conversation_id: str
    customer_id: str
    intake: Intake | None
    """Absent where the events before the offer can no longer be read."""
    classification: Classification
    queue: Queued
    assignment: Assignment
    why_not: WhyNot | None = None
