"""No agent above capacity: at every load that was taken, the agent had room for it."""

from collections.abc import Iterator

from application.proofs.finding import Finding, Promise
from application.proofs.floor import Floor
from domain.agent import LoadTaken
from domain.event import Recorded
from domain.workload import Ask, no_room


class Loads:
    """Looks at each load before it is taken."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.overrides: list[Finding] = []
        """The newest of what was given in spite of no room because a person said so: no counterexamples."""

    def look(self, recorded: Recorded) -> Iterator[Finding]:
        """The counterexample that the event is, if it is one. Before the floor has moved on."""
        event = recorded.event
        if not isinstance(event, LoadTaken) or (somebody := self._floor.agents.get(recorded.stream)) is None:
            return
        reason = no_room(somebody, self._ask(event))
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

    def _ask(self, event: LoadTaken) -> Ask:
        """As the log has it: units and kind of the event, what they may stand beside by the rules of that time."""
        if not event.channel:  # of a time when there was nothing but units
            return Ask(channel="", units=event.units)
        return self._floor.policy.rules.ask(event.channel, event.units)


OVERRIDES_KEPT = 100
