"""A tree as the types of the domain: every field that does not fit is told with its place, not only the first."""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, TypeVar, cast

from msgspec import inspect

from application.plans.problems import Problem, did_you_mean, shown
from application.plans.tree import Node

WRONG: Any = object()
"""What does not fit has no value."""
T = TypeVar("T")


def decode(node: Node, kind: type[T], problems: list[Problem]) -> T | None:
    """The node as this type; None where it is wrong as a whole.

    What does not fit is told, taken out of the tree and left out of the value, so that the rest can be judged too.
    """
    value = _value(node, _described(cast(Hashable, kind)), problems)
    return None if value is WRONG else value


def _value(node: Node, kind: inspect.Type, problems: list[Problem]) -> Any:
    if isinstance(kind, inspect.UnionType):
        if node.value is None and kind.includes_none:
            return None
        (kind,) = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    read = _READERS.get(type(kind))
    if read is not None:
        return read(node, kind, problems)
    wanted, classes = _PLAIN[type(kind)]
    if type(node.value) not in classes:
        problems.append(node.problem(f"{wanted} is wanted here, not {_words(node)}"))
        return WRONG
    return float(node.value) if isinstance(kind, inspect.FloatType) else node.value  # type: ignore[arg-type]


def _words(node: Node) -> str:
    match node.value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f"the text {shown(node.value)}"
        case bool():
            return str(node.value).lower()
        case _:
            return f"{shown(node.value)}; put it in quotes if it is a text"


def _struct(node: Node, kind: inspect.StructType, problems: list[Problem]) -> Any:
    if not isinstance(node.value, dict):
        problems.append(node.problem(f"fields are wanted here, not {_words(node)}"))
        return WRONG
    known = {field.encode_name: field for field in kind.fields}
    absent = [field.encode_name for field in kind.fields if field.required and field.encode_name not in node.value]
    problems.extend(node.problem(f"{name} is missing") for name in absent)
    values: dict[str, Any] = {}
    for name, child in list(node.value.items()):
        field = known.get(name)
        value = WRONG
        if field is None:
            problems.append(child.problem(f"there is no such field{did_you_mean(name, known)}"))
        else:
            value = _value(child, field.type, problems)
        if field is None or value is WRONG:
            del node.value[name]
        else:
            values[field.name] = value
    if any(field.required and field.name not in values for field in kind.fields):
        return WRONG
    return kind.cls(**values)


def _dict(node: Node, kind: inspect.DictType, problems: list[Problem]) -> Any:
    if not isinstance(node.value, dict):
        problems.append(node.problem(f"a mapping is wanted here, not {_words(node)}"))
        return WRONG
    found = {name: _value(child, kind.value_type, problems) for name, child in node.value.items()}
    for name in [name for name, value in found.items() if value is WRONG]:
        del node.value[name], found[name]
    return found


def _items(node: Node, kind: Any, problems: list[Problem]) -> Any:
    if not isinstance(node.value, list):
        problems.append(node.problem(f"a list is wanted here, not {_words(node)}"))
        return WRONG
    found = [(child, _value(child, kind.item_type, problems)) for child in node.value]
    node.value = [child for child, value in found if value is not WRONG]
    return _MADE_INTO[type(kind)](value for _, value in found if value is not WRONG)


def _tuple(node: Node, kind: inspect.TupleType, problems: list[Problem]) -> Any:
    if not isinstance(node.value, list) or len(node.value) != len(kind.item_types):
        problems.append(node.problem(f"a list of {len(kind.item_types)} is wanted here, not {_words(node)}"))
        return WRONG
    found = [_value(child, one, problems) for child, one in zip(node.value, kind.item_types, strict=True)]
    return WRONG if any(value is WRONG for value in found) else tuple(found)


def _enum(node: Node, kind: inspect.EnumType, problems: list[Problem]) -> Any:
    known = [str(one.value) for one in kind.cls]
    if node.value in known:
        return kind.cls(node.value)
    near = did_you_mean(node.value, known) if isinstance(node.value, str) else ""
    words = ", ".join(word or '""' for word in known)
    problems.append(node.problem(f"one of {words} is wanted here, not {_words(node)}{near}"))
    return WRONG


_READERS: dict[type, Callable[[Node, Any, list[Problem]], Any]] = {
    inspect.StructType: _struct,
    inspect.DictType: _dict,
    inspect.VarTupleType: _items,
    inspect.ListType: _items,
    inspect.FrozenSetType: _items,
    inspect.TupleType: _tuple,
    inspect.EnumType: _enum,
}
_MADE_INTO: dict[type, Callable[[Any], Any]] = {
    inspect.VarTupleType: tuple,
    inspect.ListType: list,
    inspect.FrozenSetType: frozenset,
}
_PLAIN: dict[type, tuple[str, tuple[type, ...]]] = {
    inspect.IntType: ("a whole number", (int,)),
    inspect.FloatType: ("a number", (int, float)),
    inspect.StrType: ("a text", (str,)),
    inspect.BoolType: ("true or false", (bool,)),
}


@cache
def _described(kind: Hashable) -> inspect.Type:
    return inspect.type_info(kind)
