"""A plain scan at every decision: the winner may have it, and nothing that goes before it was passed over."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from application.proofs.finding import Promise
from application.proofs.floor import Floor
from application.proofs.items import Item
from domain import agent
from domain.agent import Agent, LoadTaken, Presence
from domain.event import without
from domain.routing.decisions import Decision, Expire, Offer, Overflow, Relax, Withdraw


class Scan:
    """One list of decisions on the floor as it stood when they were taken, each on top of those before it."""

    def __init__(self, floor: Floor, now: datetime) -> None:
        self._floor = floor
        self._now = now
        self._gone: set[str] = set()
        """Offered or sent elsewhere by these decisions."""
        self._again: dict[str, Item] = {}
        """What these decisions brought back, or changed so that it asks something else."""
        self._agents: dict[str, Agent] = {}

    def look(self, decisions: Iterable[tuple[int, Decision]]) -> Iterator[tuple[int, Promise, str]]:
        """The ordinals of decisions that break a promise, which one, and how."""
        for ordinal, decision in decisions:
            match decision:
                case Offer():
                    yield from ((ordinal, promise, what) for promise, what in self._look_at(decision))
                    self._reserve(decision)
                case Expire() | Withdraw():
                    self._bring_back(decision.conversation_id, offered_to=None)
                    if (somebody := self._agent(decision.agent_id)) is not None:
                        self._agents[decision.agent_id] = (
                            replace(somebody, presence=Presence.AWAY)
                            if isinstance(decision, Expire)
                            else replace(somebody, work=without(somebody.work, decision.conversation_id))
                        )
                case Overflow():
                    self._gone.add(decision.conversation_id)
                case Relax():
                    if (item := self._floor.items.get(decision.conversation_id)) is not None:
                        self._bring_back(decision.conversation_id, case=item.case._replace(step=decision.step))

    def _look_at(self, offer: Offer) -> Iterator[tuple[Promise, str]]:
        offered = self._again.get(offer.conversation_id) or self._floor.items.get(offer.conversation_id)
        somebody = self._agent(offer.agent_id)
        if offered is None or somebody is None:
            return
        awaited = self._floor.waits_for(offered, self._now)
        if awaited not in ("", offer.agent_id):
            yield Promise.ELIGIBLE, f"{offer.conversation_id} went to {offer.agent_id} while it waits for {awaited}"
        elif not self._floor.may_take_such(somebody, offered.case, self._now):
            yield Promise.ELIGIBLE, f"{offer.conversation_id} went to {offer.agent_id}, who may not have it"
        elif self._should_rest(offer, offered):
            yield Promise.ELIGIBLE, f"{offer.conversation_id} went to {offer.agent_id}, who had just declined it"
        if (item := self._passed_over(offer, offered, somebody)) is not None:
            yield Promise.OVERTAKEN, self._told(offer, item)

    def _should_rest(self, offer: Offer, offered: Item) -> bool:
        """They declined it, and it was not so that all others at work had too, they not as the last.

        By the first edition of the rules, that others were busy was as good as that they had declined.
        """
        agent_id, now, floor = offer.agent_id, self._now, self._floor
        if offered.rests.get(agent_id, now) <= now:
            return False
        is_left = floor.may_take_such if offer.choice.edition == 1 else floor.may_take_such_once_done
        others = floor.free if offer.choice.edition == 1 else floor.agents
        return next(reversed(offered.rests)) == agent_id or any(
            offered.rests.get(other, now) <= now
            and (somebody := self._agent(other)) is not None
            and is_left(somebody, offered.case, now)
            for other in others
        )

    def _passed_over(self, offer: Offer, offered: Item, somebody: Agent) -> Item | None:
        """The first that goes before what was offered, and could have gone to the same agent."""
        floor, now = self._floor, self._now
        first, found = (offered.ranks_at(now), offered.position), None
        for item in self._before(first[0], somebody):
            if item.conversation_id in self._gone or item.conversation_id == offer.conversation_id:
                continue
            order = item.ranks_at(now), item.position  # what came first goes first at the same score
            if order < first and floor.may_take(offer.agent_id, somebody, item, now):
                first, found = order, item
        return found

    def _before(self, since: datetime, somebody: Agent) -> Iterator[Item]:
        """What goes no later than what has waited since then, as far as it is of a case the agent could be given."""
        now, again = self._now, self._again
        for case, items in self._floor.cases.items():
            if self._floor.may_take_such(somebody, case, now):
                for item in items.values():  # as `Item.ranks_at`, which would take longer to ask than to tell
                    ranks_at = item.ranks_since if now < item.urgent_from else item.ranks_since_when_urgent
                    if ranks_at <= since and item.conversation_id not in again:
                        yield item
        yield from again.values()

    def _bring_back(self, conversation_id: str, **changes: object) -> None:
        item = self._again.get(conversation_id) or self._floor.items.get(conversation_id)
        if item is not None:
            self._again[conversation_id] = replace(item, **changes)

    def _reserve(self, offer: Offer) -> None:
        self._gone.add(offer.conversation_id)
        if (somebody := self._agent(offer.agent_id)) is not None:
            taken = LoadTaken(
                conversation_id=offer.conversation_id,
                customer_id=offer.customer_id,
                units=offer.ask.units,
                channel=offer.ask.channel,
                kind=offer.ask.kind,
            )
            self._agents[offer.agent_id] = agent.evolve(somebody, taken)

    def _agent(self, agent_id: str) -> Agent | None:
        return self._agents.get(agent_id) or self._floor.agents.get(agent_id)

    def _told(self, offer: Offer, item: Item) -> str:
        score = (self._now - item.ranks_at(self._now)).total_seconds()
        return (
            f"{offer.conversation_id} with score {offer.choice.score:g} went to {offer.agent_id}, "
            f"who could have had {item.conversation_id} with score {score:g}"
        )
