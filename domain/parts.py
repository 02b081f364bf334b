"""Which part of what we know of a conversation an event changes: every kind of event, and where it is folded."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from msgspec.structs import replace

from domain import assignment, classification, conversation, interaction
from domain.assignment import AssignmentEvent
from domain.calls import stages
from domain.calls.stages import CallEvent
from domain.classification import ClassificationEvent, PromiseTold
from domain.conversation import Conversation, LifeEvent
from domain.event import Event
from domain.interaction import InteractionEvent
from domain.media import MediaEvent
from domain.outbound import delivery
from domain.outbound.delivery import DeliveryEvent
from domain.threads import moves
from domain.threads.moves import MoveEvent


def _as_it_was(before: Conversation, _: Event) -> Conversation:
    return before


PARTS: Mapping[type[Event], Callable[[Conversation, Any], Conversation]] = {
    **dict.fromkeys(get_args(LifeEvent), conversation.evolve),
    **dict.fromkeys((*get_args(InteractionEvent), PromiseTold), interaction.evolve),
    **dict.fromkeys(get_args(DeliveryEvent), delivery.evolve),
    **dict.fromkeys(get_args(CallEvent), stages.evolve_conversation),
    **dict.fromkeys(get_args(AssignmentEvent), assignment.evolve),
    **dict.fromkeys(get_args(ClassificationEvent), classification.evolve),
    **dict.fromkeys(get_args(MoveEvent), moves.evolve),
    **dict.fromkeys(get_args(MediaEvent), _as_it_was),
}
"""By kind of event. Every message goes this way twice, and asking `isinstance` of each part takes ten times as long."""


def evolve_conversation(before: Conversation, event: Event) -> Conversation:
    """The conversation after any event of its own, one revision later."""
    part = PARTS.get(type(event))
    return before if part is None else replace(part(before, event), revision=before.revision + 1)
