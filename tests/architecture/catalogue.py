"""The event catalogue as it stands in the code: every topic with its fields, and a sample of what is stored of it.

After a change that was meant: `python -m tests.architecture.catalogue` writes `event_catalogue.json` anew and adds a
sample for each new shape of an event. Samples that are there stay: they are what old logs hold.
"""

import json
import pkgutil
import types
from datetime import UTC, datetime
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

import domain
from domain.event import TOPICS, Event

CATALOGUE = Path(__file__).parent / "event_catalogue.json"
SAMPLES = Path(__file__).parent / "event_samples.json"
NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)

Field = dict[str, Any]
"""`{"type": "str", "required": true}`"""


def events() -> dict[str, type[Event]]:
    """Every event that a log may hold, by topic; benchmarks and tests have events of their own, which are left out."""
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        import_module(module.name)
    return {topic: event for topic, event in sorted(TOPICS.items()) if event.__module__.startswith("domain.")}


def structs() -> dict[str, type[msgspec.Struct]]:
    """The events, and the values inside them by `module.Name`, in the order of their names."""
    found: dict[str, type[msgspec.Struct]] = {**events()}
    unread = list(found.values())
    while unread:
        for hint in get_type_hints(unread.pop()).values():
            for inner in inner_structs(hint):
                name = f"{inner.__module__}.{inner.__name__}"
                if name not in found:
                    found[name] = inner
                    unread.append(inner)
    return dict(sorted(found.items()))


def inner_structs(hint: Any) -> list[type[msgspec.Struct]]:
    """The structs that a type names, itself or inside: `dict[str, Choice | None]` has one."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return [hint]
    return [inner for part in get_args(hint) for inner in inner_structs(part)]


def catalogue() -> dict[str, dict[str, Field]]:
    """`{"agent.capacity_set": {"units": {"type": "int", "required": true}}, …}`"""
    return {
        name: {
            field.encode_name: {"type": type_name(field.type), "required": field.required}
            for field in msgspec.structs.fields(struct)
        }
        for name, struct in structs().items()
    }


def type_name(hint: Any) -> str:
    """As one writes it. A choice of words names the words, because they are stored: `Presence(offline|away|…)`."""
    if get_origin(hint) in (Union, types.UnionType):
        return " | ".join(sorted(type_name(part) for part in get_args(hint)))
    if (origin := get_origin(hint)) is not None:
        return f"{origin.__name__}[{', '.join(type_name(part) for part in get_args(hint))}]"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"{hint.__name__}({'|'.join(str(member.value) for member in hint)})"
    return {type(None): "None", Ellipsis: "..."}.get(hint) or str(hint.__name__)


def sample(hint: Any) -> Any:
    """Some value of the type, the same every time, with every optional field filled in."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint(**{field.name: sample(field.type) for field in msgspec.structs.fields(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    match get_origin(hint), get_args(hint):
        case (origin, parts) if origin in (Union, types.UnionType):
            return sample(next(part for part in parts if part is not types.NoneType))
        case (origin, (key, value)) if origin is dict:
            return {sample(key): sample(value)}
        case (origin, parts) if origin is tuple and Ellipsis not in parts:
            return tuple(sample(part) for part in parts)
        case (origin, (item, *_)) if origin in (list, tuple, frozenset, set):
            return origin([sample(item)])
    return {str: "sample", int: 7, float: 7.5, bool: True, datetime: NOON, bytes: b"sample"}[hint]


def stored(event: Event) -> str:
    """The event's payload as the log keeps it (msgpack), in hex."""
    return msgspec.msgpack.encode(event).hex()


def committed() -> dict[str, dict[str, Field]]:
    found: dict[str, dict[str, Field]] = json.loads(CATALOGUE.read_text("utf-8"))
    return found


def samples() -> dict[str, list[str]]:
    """By topic, one stored payload for each shape that the event ever had, the oldest first."""
    found: dict[str, list[str]] = json.loads(SAMPLES.read_text("utf-8"))
    return found


def write() -> None:
    """Takes the code as it stands for the catalogue, and keeps all old samples."""
    CATALOGUE.write_text(_one_line_a_field(catalogue()), "utf-8")
    kept = samples() if SAMPLES.exists() else {}
    for topic, event in events().items():
        payload = stored(sample(event))
        if payload not in kept.setdefault(topic, []):
            kept[topic].append(payload)
    SAMPLES.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n", "utf-8")


def _one_line_a_field(found: dict[str, dict[str, Field]]) -> str:
    """JSON whose differences read well: a line for each event and for each field."""
    structs = []
    for name, fields in found.items():
        lines = ",\n".join(f"    {json.dumps(field)}: {json.dumps(shape)}" for field, shape in fields.items())
        structs.append(f"  {json.dumps(name)}: {{\n{lines}\n  }}" if lines else f"  {json.dumps(name)}: {{}}")
    return "{\n" + ",\n".join(structs) + "\n}\n"


if __name__ == "__main__":
    write()
