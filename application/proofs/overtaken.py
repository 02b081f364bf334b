"""No compatible higher-scored item overtaken: a plain scan of everything that waits, at every decision."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from application.proofs.floor import Floor, Item
from domain import agent
from domain.agent import Agent, LoadTaken, Presence
from domain.routing.decisions import Decision, Expire, Offer, Overflow, Relax, Withdraw


class Overtaken:
    """One list of decisions on the floor as it stood when they were taken, each on top of those before it."""

    def __init__(self, floor: Floor, now: datetime) -> None:
        self._floor = floor
        self._now = now
        self._not_waiting = {item.conversation_id for item in floor.items.values() if item.offered_to is not None}
        self._agents: dict[str, Agent] = {}
        self._steps: dict[str, int] = {}
        self._order = sorted(floor.items.values(), key=lambda item: (-floor.score(item, now), item.position))

    def look(self, decisions: Iterable[tuple[int, Decision]]) -> Iterator[tuple[int, str]]:
        """The ordinals of decisions that passed over something, and what it was."""
        for ordinal, decision in decisions:
            match decision:
                case Offer():
                    if (item := self._passed_over(decision)) is not None:
                        yield ordinal, self._told(decision, item)
                    self._reserve(decision)
                case Expire() | Withdraw():
                    self._not_waiting.discard(decision.conversation_id)
                    if (somebody := self._agent(decision.agent_id)) is not None:
                        self._agents[decision.agent_id] = replace(somebody, presence=Presence.AWAY)
                case Overflow():
                    self._not_waiting.add(decision.conversation_id)
                case Relax():
                    self._steps[decision.conversation_id] = decision.step

    def _passed_over(self, offer: Offer) -> Item | None:
        """The first that goes before what was offered, and could have gone to the same agent."""
        somebody = self._agent(offer.agent_id)
        if somebody is None or offer.conversation_id not in self._floor.items:
            return None
        for item in self._order:
            if item.conversation_id == offer.conversation_id:
                return None
            if item.conversation_id in self._not_waiting:
                continue
            step = self._steps.get(item.conversation_id, item.step)
            item_now = item if step == item.step else replace(item, step=step)
            if self._floor.may_take(offer.agent_id, somebody, item_now, self._now):
                return item
        return None

    def _reserve(self, offer: Offer) -> None:
        self._not_waiting.add(offer.conversation_id)
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
