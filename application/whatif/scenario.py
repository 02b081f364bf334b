"""What is simulated: a history as it was, or with other rules and other agents."""

from datetime import datetime, timedelta
from itertools import chain

import msgspec
from msgspec.structs import replace

from application.plans.plan import Plan, queues_after
from application.whatif.figures.counting import Yardstick
from application.whatif.recorded.history import Arrival, Change, History
from application.whatif.roster import Roster
from application.whatif.staffing import Staffing
from domain.policy import Policy, PolicyDefined
from domain.queue import Queue, QueueDefined
from domain.routing.facts import Facts

AS_IT_WAS = Plan()
"""Nothing is to be different."""


class Scenario(msgspec.Struct, kw_only=True):
    """Everything that a floor plays, the same in each of its runs."""

    since: datetime
    until: datetime
    opening: bytes
    waiting: list[Arrival]
    script: list[Arrival | Change]
    """By time."""
    ends: list[tuple[str, str, datetime]]
    """Conversation, agent and end of the work that was held at `since`."""
    left_out: set[str]
    """Conversations from before `since`: they take room, and are in no figure."""
    targets: dict[str, float]
    """By queue: the seconds within which its work should be answered."""

    @property
    def yardstick(self) -> Yardstick:
        """What this scenario and all that are compared with it are measured by."""
        return Yardstick(seconds=(self.until - self.since).total_seconds(), targets=self.targets)

    def facts(self) -> Facts:
        """The router's facts at `since`, anew with each call."""
        return msgspec.msgpack.decode(self.opening, type=Facts)


def scenario_of(history: History, plan: Plan = AS_IT_WAS, roster: Roster = ()) -> Scenario:
    """The history under the plan and with the changes of its roster. Raises RosterInvalid."""
    staffing = Staffing(history.facts(), history.changes)
    for one in roster:
        staffing.change(one)
    facts, changes = staffing.facts, staffing.changes
    held = [(key, agent_id) for agent_id, desk in facts.desks.items() for key in desk.agent.work]
    ends = [(key, agent_id, history.ends[key]) for key, agent_id in held if key in history.ends]
    old_queues = dict(facts.queues)
    changes = [change for change in changes if not _is_replaced(change, plan)]
    if plan.rules is not None:
        facts.policy = Policy(rules=plan.rules, number=facts.policy.number + 1)
    facts.queues = queues_after(plan, facts.queues)
    redefined = (
        (change.stream, change.event.definition) for change in changes if isinstance(change.event, QueueDefined)
    )
    definitions = chain(((queue_id, known.definition) for queue_id, known in facts.queues.items()), redefined)
    arrivals = [_under(plan, old_queues, arrival) for arrival in history.arrivals]
    return Scenario(
        since=history.since,
        until=history.until,
        opening=msgspec.msgpack.encode(facts),
        waiting=[_under(plan, old_queues, arrival) for arrival in history.waiting],
        script=sorted([*changes, *arrivals], key=lambda step: step.at),
        ends=ends,
        left_out=history.left_out,
        targets={key: float(known.service_level_seconds) for key, known in definitions if known is not None},
    )


def _is_replaced(change: Change, plan: Plan) -> bool:
    """Whether it is a recorded rule in the place of which the plan has another."""
    if isinstance(change.event, PolicyDefined):
        return plan.rules is not None
    return change.stream in plan.queue_ids


def _under(plan: Plan, old_queues: dict[str, Queue], arrival: Arrival) -> Arrival:
    """The arrival as the queue's new definition would have taken it in: its priority, its due time."""
    enqueued = arrival.enqueued
    new, old = plan.queues.get(enqueued.queue_id), old_queues.get(enqueued.queue_id)
    if new is None or old is None or old.definition is None:
        return arrival
    if enqueued.priority == old.definition.priority:
        enqueued = replace(enqueued, priority=new.priority)
    if enqueued.due_at is not None and new.service_level_seconds != old.definition.service_level_seconds:
        longer = timedelta(seconds=new.service_level_seconds - old.definition.service_level_seconds)
        enqueued = replace(enqueued, due_at=enqueued.due_at + longer)
    return Arrival(arrival.at, arrival.customer_id, enqueued)
