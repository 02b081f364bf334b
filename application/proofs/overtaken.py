"""No compatible higher-scored item overtaken: at every decision, all that waits is looked through plainly."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from application.proofs.floor import Floor
from application.proofs.items import Item
from domain import agent
from domain.agent import Agent, LoadTaken, Presence
from domain.routing.decisions import Decision, Expire, Offer, Overflow, Relax, Withdraw


class Overtaken:
    """One list of decisions on the floor as it stood when they were taken, each on top of those before it."""

    def __init__(self, floor: Floor, now: datetime) -> None:
        self._floor = floor
        self._now = now
        self._gone: set[str] = set()
        """Offered or sent elsewhere by these decisions."""
        self._again: dict[str, Item] = {}
        """What these decisions brought back, or changed so that it asks something else."""
        self._agents: dict[str, Agent] = {}

    def look(self, decisions: Iterable[tuple[int, Decision]]) -> Iterator[tuple[int, str]]:
        """The ordinals of decisions that passed over something, and what it was."""
        for ordinal, decision in decisions:
            match decision:
                case Offer():
                    if (item := self._passed_over(decision)) is not None:
                        yield ordinal, self._told(decision, item)
                    self._reserve(decision)
                case Expire() | Withdraw():
                    self._bring_back(decision.conversation_id, offered_to=None)
                    if (somebody := self._agent(decision.agent_id)) is not None:
                        self._agents[decision.agent_id] = replace(somebody, presence=Presence.AWAY)
                case Overflow():
                    self._gone.add(decision.conversation_id)
                case Relax():
                    if (item := self._floor.items.get(decision.conversation_id)) is not None:
                        self._bring_back(decision.conversation_id, case=item.case._replace(step=decision.step))

    def _passed_over(self, offer: Offer) -> Item | None:
        """The first that goes before what was offered, and could have gone to the same agent."""
        floor, now = self._floor, self._now
        somebody, offered = self._agent(offer.agent_id), floor.items.get(offer.conversation_id)
        if somebody is None or offered is None:
            return None
        first, found = self._order(offered), None
        for item in self._candidates(somebody):
            if item.conversation_id in self._gone or item.conversation_id == offer.conversation_id:
                continue
            if (order := self._order(item)) < first and floor.may_take(offer.agent_id, somebody, item, now):
                first, found = order, item
        return found

    def _candidates(self, somebody: Agent) -> Iterator[Item]:
        """What waits, as far as it is of a case that the agent could be given."""
        for case, items in self._floor.cases.items():
            if self._floor.may_take_such(somebody, case, self._now):
                yield from (item for item in items.values() if item.conversation_id not in self._again)
        yield from self._again.values()

    def _order(self, item: Item) -> tuple[float, int]:
        """The higher score goes first; what came first goes first at the same score."""
        return -self._floor.score(item, self._now).total_seconds(), item.position

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
        score = self._floor.score(item, self._now).total_seconds()
        return (
            f"{offer.conversation_id} with score {offer.choice.score:g} went to {offer.agent_id}, "
            f"who could have had {item.conversation_id} with score {score:g}"
        )
