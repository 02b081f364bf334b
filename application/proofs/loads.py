"""No agent above capacity: at every load that was taken, the agent had room for it."""

from collections.abc import Iterator

from application.proofs.finding import Finding, Promise
from application.proofs.floor import Floor
from application.proofs.room import crowded_by
from domain.agent import LoadTaken
from domain.event import Recorded
from domain.policy import RoutingPolicy

OVERRIDES_KEPT = 100
ONLY_UNITS = RoutingPolicy()
"""For events of a time when there was nothing but units."""


class Loads:
    """Looks at each load before it is taken."""

    topics = frozenset({LoadTaken.TOPIC})

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.overrides: list[Finding] = []
        """The newest of what was given in spite of no room because a person said so: no counterexamples."""

    def look(self, recorded: Recorded) -> Iterator[Finding]:
        """The counterexample that the event is, if it is one. Before the floor has moved on."""
        event = recorded.event
        if not isinstance(event, LoadTaken) or (somebody := self._floor.agents.get(recorded.stream)) is None:
            return
        rules = self._floor.policy.rules if event.channel else ONLY_UNITS
        reason = crowded_by(somebody, rules, channel=event.channel, kind=event.kind, units=event.units)
        if not reason:
            return
        finding = Finding(
            promise=Promise.CAPACITY,
            position=recorded.position,
            at=recorded.recorded_at,
            who=recorded.stream,
            what=f"was given {event.conversation_id} of {event.units} units, {reason}",
        )
        if event.override:
            self.overrides = [*self.overrides, finding][-OVERRIDES_KEPT:]
        else:
            yield finding
