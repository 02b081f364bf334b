"""What the reference looks up in the log, each time anew: where something waits, since when, and how it got there."""

from datetime import datetime, timedelta

from domain.agent import LoadReleased, LoadTaken, Presence, PresenceChanged
from domain.assignment import ConversationEnqueued, OfferDeclined
from domain.classification import AgentPreferred, ConversationRelaxed
from domain.conversation import Conversation
from domain.policy import PolicyDefined, RoutingPolicy
from domain.queue import QueueDefinition
from tests.domain.routing.shop import Shop


def definition_of(shop: Shop, queue_id: str) -> QueueDefinition:
    definition = shop.queues[queue_id].definition
    assert definition is not None
    return definition


def is_open(shop: Shop, queue_id: str) -> bool:
    hours = definition_of(shop, queue_id).opening_hours
    return hours is None or hours.is_open(shop.now)


def has_been(one: Conversation, queue_id: str) -> bool:
    return queue_id == one.queue_id or queue_id in one.overflowed_from


def enqueued(shop: Shop, conversation_id: str) -> tuple[int, datetime, ConversationEnqueued]:
    """Where in the log it came into its queue last, when, and as what."""
    for recorded in reversed(shop.log):
        if isinstance(recorded.event, ConversationEnqueued) and recorded.event.conversation_id == conversation_id:
            return recorded.position, recorded.recorded_at, recorded.event
    raise AssertionError(f"{conversation_id} never waited")


def named(shop: Shop, conversation_id: str) -> tuple[str | None, datetime]:
    """Who is to have it, as somebody said last, since then or since it came into its queue, whichever was later."""
    since, entered_at, event = enqueued(shop, conversation_id)
    found = event.preferred_agent_id, entered_at
    for recorded in shop.log[since:]:
        if isinstance(recorded.event, AgentPreferred) and recorded.event.conversation_id == conversation_id:
            found = recorded.event.agent_id, recorded.recorded_at
    return found


def relaxed(shop: Shop, conversation_id: str) -> list[ConversationRelaxed]:
    """The steps that it has taken since it came into its queue."""
    since, _, _ = enqueued(shop, conversation_id)
    told = (recorded.event for recorded in shop.log[since:] if isinstance(recorded.event, ConversationRelaxed))
    return [step for step in told if step.conversation_id == conversation_id]


def step_of(shop: Shop, conversation_id: str) -> int:
    return max((taken.step for taken in relaxed(shop, conversation_id)), default=0)


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


def time_at(shop: Shop, position: int) -> tuple[datetime, int]:
    """How late it had been by then: a clock that is set back stands still, and positions count until it is back."""
    latest, is_behind = datetime.fromtimestamp(0, tz=shop.now.tzinfo), False
    for recorded in shop.log[:position]:
        is_behind = recorded.recorded_at < latest or (is_behind and recorded.recorded_at == latest)
        latest = max(latest, recorded.recorded_at)
    return latest, position if is_behind else 0


def idle_since(shop: Shop, agent_id: str) -> tuple[datetime, int]:
    """The time of the latest of becoming available, being done with work, and being given work that they hold."""
    moments = [0]
    held: dict[str, int] = {}
    for recorded in shop.log:
        if recorded.stream != agent_id:
            continue
        match recorded.event:
            case PresenceChanged(presence=Presence.AVAILABLE):
                moments.append(recorded.position)
            case LoadTaken(conversation_id=conversation_id):
                held[conversation_id] = recorded.position
            case LoadReleased(conversation_id=conversation_id, reason=reason):
                if held.pop(conversation_id, None) and reason not in ("declined", "expired", "withdrawn"):
                    moments.append(recorded.position)
    return time_at(shop, max([*moments, *held.values()]))
