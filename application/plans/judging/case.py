"""A document and the shop, as it stands and as it would stand: what every judgement looks at."""

from collections.abc import Iterator

from application.plans.document import Document
from application.plans.judging.reach import ANY_CHANNEL, Roster
from application.plans.plan import queues_after
from application.plans.problems import Problem
from application.plans.situation import Situation
from domain.policy import Policy
from domain.queue import QueueDefinition
from domain.routing.facts import Facts


class Case:
    """What is judged, and the problems found so far."""

    def __init__(self, document: Document, situation: Situation) -> None:
        plan = document.plan
        self.document, self.plan, self.situation = document, plan, situation
        self.roster = Roster(situation.agents, situation.at)
        self.queues = queues_after(plan, situation.queues)
        """As they would stand."""
        self.rules = plan.rules or situation.policy.rules
        self.before = Facts(policy=situation.policy, queues=situation.queues)
        self.after = Facts(policy=Policy(rules=self.rules), queues=self.queues)
        self.problems: list[Problem] = []

    def definitions(self) -> Iterator[tuple[str, QueueDefinition]]:
        """The queues that take work by the document, with their ids."""
        for queue_id, definition in self.plan.queues.items():
            if queue_id not in self.plan.retires:
                yield queue_id, definition

    def refuse(self, queue_id: str, reason: str, *steps: str | int) -> None:
        """At this place of a queue that the document names."""
        self.problems.append(self.document.at_queue(queue_id, *steps).problem(reason))

    def warn(self, queue_id: str, reason: str, *steps: str | int) -> None:
        """The same, of what may be meant."""
        self.problems.append(self.document.at_queue(queue_id, *steps).problem(reason, is_warning=True))

    def says(self, queue_id: str, *steps: str | int) -> bool:
        """Whether the document says this of the queue."""
        return self.document.says("queues", self.document.names[queue_id], *steps)

    def name(self, queue_id: str) -> str:
        """What people call the queue."""
        definition = self.queues[queue_id].definition if queue_id in self.queues else None
        return definition.name if definition is not None else queue_id

    def channels(self, queue_id: str, definition: QueueDefinition) -> tuple[list[str], bool]:
        """The channels that work comes by, and whether that is known: accounts say it; else any there might be."""
        known = {account.channel for account in self.situation.accounts if account.queue_id == queue_id}
        if known:
            return sorted(known), True
        return sorted({*self.rules.units, *definition.units, *self.roster.channels, ANY_CHANNEL}), False
