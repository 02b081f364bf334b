"""The router's rules told a second time, slowly: everything is looked up anew in the log and the aggregates.

Shares no code with `domain/routing/`, so that a mistake would have to be made twice to go unseen.
"""

from datetime import datetime, timedelta

from domain.agent import LoadReleased, LoadTaken, Presence, PresenceChanged
from domain.assignment import ConversationEnqueued, OfferDeclined
from domain.conversation import Conversation, Status
from domain.policy import PolicyDefined, RoutingPolicy
from domain.routing.decisions import Decision
from tests.domain.routing.shop import Shop

Said = tuple[str, str, str]
"""`("Offer", conversation, agent)`, and the same with `Expire` and `Withdraw`."""


def said(decision: Decision) -> Said:
    return type(decision).__name__, decision.conversation_id, getattr(decision, "agent_id", "")


def next_decision(shop: Shop) -> Said | None:
    """What is to be done first, or nothing."""
    return next_end(shop) or next_offer(shop)


def next_end(shop: Shop) -> Said | None:
    offered = [one for _, one in shop.every(Status.OFFERED)]
    for one in offered:
        if not shop.agents[one.agent_id or ""].is_signed_in:
            return "Withdraw", one.id, one.agent_id or ""
    over = [(one.offer_expires_at, one.id, one.agent_id) for one in offered]
    for expires_at, conversation_id, agent_id in sorted(over):
        if expires_at is not None and expires_at <= shop.now:
            return "Expire", conversation_id, agent_id or ""
    return None


def next_offer(shop: Shop) -> Said | None:
    """The highest score that anybody may take, to the longest idle of those who may."""
    idle = {agent_id: idle_since(shop, agent_id) for agent_id in shop.agents}
    enqueued = {
        recorded.event.conversation_id: recorded.position
        for recorded in shop.log
        if isinstance(recorded.event, ConversationEnqueued)
    }
    waiting = [one for _, one in shop.every(Status.WAITING)]
    for one in sorted(waiting, key=lambda one: (-score(shop, one), enqueued[one.id])):
        if able := who_may_take(shop, one):
            return "Offer", one.id, min(able, key=lambda agent_id: (idle[agent_id], agent_id))
    return None


def score(shop: Shop, one: Conversation) -> timedelta:
    assert one.waiting_since is not None
    boost = timedelta(seconds=shop.policy.rules.priority_boost_seconds)
    return one.priority * boost + (shop.now - one.waiting_since)


def who_may_take(shop: Shop, one: Conversation) -> list[str]:
    able = [agent_id for agent_id in shop.agents if is_able(shop, one, agent_id)]
    rests = declined_until(shop, one.id)
    fresh = [agent_id for agent_id in able if rests.get(agent_id, shop.now) <= shop.now]
    if fresh or not rests:
        return fresh
    latest = list(rests)[-1]
    return [agent_id for agent_id in able if agent_id != latest]


def is_able(shop: Shop, one: Conversation, agent_id: str) -> bool:
    agent = shop.agents[agent_id]
    definition = shop.queues[one.queue_id or ""].definition
    assert definition is not None
    is_skilled = all(agent.skills.get(skill, 0) >= level for skill, level in definition.required_skills.items())
    has_room = agent.load + shop.policy.rules.units_of(one.channel) <= agent.capacity
    return agent.presence is Presence.AVAILABLE and is_skilled and has_room


def declined_until(shop: Shop, conversation_id: str) -> dict[str, datetime]:
    """Until when each agent rests from the conversation since it was enqueued, the latest to decline last."""
    rests: dict[str, datetime] = {}
    rules = RoutingPolicy()
    for recorded in shop.log:
        match recorded.event:
            case PolicyDefined(rules=adopted):
                rules = adopted
            case ConversationEnqueued(conversation_id=enqueued) if enqueued == conversation_id:
                rests.clear()
            case OfferDeclined(conversation_id=declined, agent_id=agent_id) if declined == conversation_id:
                rests.pop(agent_id, None)
                rests[agent_id] = recorded.recorded_at + timedelta(seconds=rules.decline_rest_seconds)
    return rests


def idle_since(shop: Shop, agent_id: str) -> datetime:
    """The latest of becoming available, being done with work, and being given work that they hold."""
    moments = [datetime.fromtimestamp(0, tz=shop.now.tzinfo)]
    held: dict[str, datetime] = {}
    for recorded in shop.log:
        if recorded.stream != agent_id:
            continue
        match recorded.event:
            case PresenceChanged(presence=Presence.AVAILABLE):
                moments.append(recorded.recorded_at)
            case LoadTaken(conversation_id=conversation_id):
                held[conversation_id] = recorded.recorded_at
            case LoadReleased(conversation_id=conversation_id, reason=reason):
                if held.pop(conversation_id, None) and reason not in ("declined", "expired", "withdrawn"):
                    moments.append(recorded.recorded_at)
    return max(*moments, *held.values()) if held else max(moments)
