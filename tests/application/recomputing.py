"""Taking the router's decisions again, from the log alone."""

from application.log import Log
from domain.assignment import ConversationOffered
from domain.event import Recorded
from domain.routing.decide import recompute
from domain.routing.decisions import Offer
from domain.routing.evolve import evolve
from domain.routing.state import RouterState
from tests.application.situations import everything


async def demand_every_choice_comes_out_the_same(log: Log) -> int:
    """Each from the log up to the position that it names. Returns how many there were."""
    return demand_choices_come_out_the_same(await everything(log))


def demand_choices_come_out_the_same(log: list[Recorded]) -> int:
    recorded_at: dict[int, list[tuple[str, ConversationOffered]]] = {}
    for recorded in log:
        event = recorded.event
        if isinstance(event, ConversationOffered) and event.choice is not None:
            recorded_at.setdefault(event.choice.position, []).append((recorded.stream, event))
    state, recomputed = RouterState(), 0
    for recorded in log:
        evolve(state, recorded)
        for customer_id, offered in recorded_at.get(recorded.position, ()):
            assert offered.choice is not None
            found = recompute(state, offered.choice)
            assert isinstance(found, Offer)
            assert found.customer_id == customer_id
            for field in ("conversation_id", "queue_id", "agent_id", "offer_id", "units", "expires_at", "choice"):
                assert getattr(found, field) == getattr(offered, field)
            recomputed += 1
    assert recomputed == sum(len(offers) for offers in recorded_at.values())
    return recomputed
