"""What stored events come to mean: a digest of each kind of state, and of each view, after each kind of event.

A state that is stored is read back by its name, `customer.5`. When `evolve` comes to mean something else, the name has
to be raised, or what was stored before is read wrongly: here that shows. After it was raised:
`python -m tests.architecture.meanings`, which refuses another meaning under the same name. Who is sure that what is
stored means the same all the same takes the name out of `meanings.json` first.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
from msgspec.structs import replace

from api.assembly import FOLDS
from application.projections.lines import Draft, Lines
from application.projections.timeline import Timeline
from application.projections.view import Board, encode
from application.router_snapshots import STATE_NAME
from domain.agent import LoadReleased
from domain.event import Event, Recorded, Redacted, kind_of
from domain.queue import QueueDefined
from domain.routing.evolve import TOPICS, evolve
from domain.routing.state import RouterState
from domain.streams import AGGREGATES
from tests.architecture.catalogue import NOON, events, samples

MEANINGS = Path(__file__).parent / "meanings.json"
STORY = (
    *("policy.defined", "queue.defined", "account.defined", "person.admitted", "customer.registered"),
    *("agent.registered", "agent.signed_in", "agent.capacity_set", "agent.presence_changed"),
    *("conversation.opened", "conversation.message_received", "conversation.enqueued", "conversation.offered"),
    *("agent.load_taken", "conversation.offer_accepted", "conversation.reply_written", "conversation.held"),
    "conversation.closed",
)
"""A life in which each event is tried at each moment. It goes with the oldest sample of each, and so stays as it is."""
REASONS = ("held", "declined")
"""Why a load is let go, where that makes a difference."""

Fold = Callable[[Sequence[Recorded]], Any]
"""What a history comes to, in a form that has always the same JSON."""


def meanings() -> dict[str, dict[str, str]]:
    """`{"agent.2": {"agent.capacity_set": "5f0c…", …}, …}`, by the names under which states are stored, and views."""
    found = {one.state_name: _of_states(kind) for kind, one in AGGREGATES.items()}
    found[STATE_NAME] = _digests(_of_router, TOPICS)
    for one in FOLDS:
        fold = _of_timeline if isinstance(one, Timeline) else _of_board(one)
        found[f"{one.name}.{one.version}"] = _digests(fold, one.topics)
    return found


def _of_states(kind: str) -> dict[str, str]:
    aggregate = AGGREGATES[kind]

    def fold(history: Sequence[Recorded]) -> Any:
        state = aggregate.new
        for recorded in history:
            state = aggregate.evolve(state, recorded.event)
        return plain(state)

    return _digests(fold, [topic for topic in events() if kind_of(_stream(topic)) == kind])


def _of_router(history: Sequence[Recorded]) -> Any:
    state = RouterState()
    for recorded in history:
        evolve(state, recorded)
    return plain(state.facts)


def _of_board(board: Board) -> Fold:
    def fold(history: Sequence[Recorded]) -> Any:
        cards: dict[str, Any] = {}
        for recorded in history:
            if (key := board.key(recorded)) is not None:
                cards[key] = board.evolve(cards.get(key), recorded)
        shown = [card for card in cards.values() if card is not None]
        return [msgspec.to_builtins(row) for card in shown for row in board.rows(card, len(history), encode(card))]

    return fold


def _of_timeline(history: Sequence[Recorded]) -> Any:
    lines = Lines(len(history))
    lines.forget(has_all=True)
    lines.missing = set()
    draft = Draft(lines)
    for recorded in history:
        draft.take(recorded)
    return [msgspec.to_builtins(row) for row in draft.rows()]


def _digests(fold: Fold, topics: Collection[str]) -> dict[str, str]:
    """By kind of event and its shape; those that change nothing, whenever they come, are left out."""
    life = [topic for topic in STORY if topic in topics]
    story = [_recorded(next(_shapes(topic))[1], at) for at, topic in enumerate(life, 1)]
    before = [fold(story[:length]) for length in range(len(story) + 1)]
    found: dict[str, str] = {}
    for topic in sorted(topics):
        for name, event in _shapes(topic):
            after = [fold([*story[:length], _recorded(event, length + 1)]) for length in range(len(story) + 1)]
            if after != before:
                found[name] = sha256(json.dumps(after, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return found


def _shapes(topic: str) -> Iterator[tuple[str, Event]]:
    """Each sample that is stored of it, and each again with every word of a choice: `agent.presence_changed away`."""
    event_type = events()[topic]
    if event_type is Redacted:
        return
    for nth, payload in enumerate(samples()[topic]):
        event = msgspec.msgpack.decode(bytes.fromhex(payload), type=event_type)
        if isinstance(event, QueueDefined):  # the time zone of a sample is none
            event = replace(event, definition=replace(event.definition, opening_hours=None))
        name = topic if nth == 0 else f"{topic} {nth + 1}"
        yield name, event
        for word, other in _choices(event):
            yield f"{name} {word}", other


def _choices(event: Event) -> Iterator[tuple[str, Event]]:
    for field, hint in get_type_hints(type(event)).items():
        if isinstance(hint, type) and issubclass(hint, Enum):
            yield from ((str(member.value), replace(event, **{field: member})) for member in hint)
    if isinstance(event, LoadReleased):
        yield from ((reason, replace(event, reason=reason)) for reason in REASONS)


def _recorded(event: Event, position: int) -> Recorded:
    at = NOON + timedelta(seconds=position)
    return Recorded(
        event=event,
        topic=event.TOPIC,
        stream=_stream(event.TOPIC),
        version=position,
        position=position,
        occurred_at=at,
        recorded_at=at,
        actor="sample",
    )


def _stream(topic: str) -> str:
    kind = topic.partition(".")[0]
    return f"{'customer' if kind == 'conversation' else kind}-sample"


def plain(value: Any) -> Any:
    """For JSON; without what is as it is by default, so that a field which comes to be is no other meaning."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        return {
            field.name: plain(told)
            for field in fields
            if (told := getattr(value, field.name)) != field.default
            and (field.default_factory is msgspec.NODEFAULT or told != field.default_factory())
        }
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(one) for one in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def stored() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(MEANINGS.read_text("utf-8"))
    return found


def altered(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> list[str]:
    """What means something else under the same name: `customer.5: conversation.closed`."""
    return [
        f"{name}: {shape}"
        for name in before.keys() & now.keys()
        for shape, digest in before[name].items()
        if now[name].get(shape) != digest
    ]


def write() -> None:
    """Takes the code as it stands. Raises SystemExit where something means another thing under an old name."""
    now = meanings()
    before = stored() if MEANINGS.exists() else {}
    if other := altered(before, now):
        raise SystemExit("\n".join(["these mean something else; raise the version first:", *sorted(other)]))
    MEANINGS.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    write()
