"""All that the domain refuses about a definition, not only the first: told, taken out of the tree, asked again."""

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from application.plans.fields import decode
from application.plans.problems import PROBLEMS_MAX, Problem
from application.plans.tree import Node
from domain.event import RuleBroken

T = TypeVar("T")
Demand = Callable[[T], object]
"""Raises RuleBroken with a sentence that begins with the field: `units.phone: 0 is not within 1 to 1000`."""

STAND_INS = {"time_zone": "UTC"}
"""Fields without which the rest around them could not be judged."""


def mended(node: Node, kind: type[T], demand: Demand[T], problems: list[Problem]) -> T | None:
    """The node as this type, without what is wrong with it; None where there is nothing left that could be judged."""
    told: list[Problem] = []
    value = decode(node, kind, told)
    while value is not None and len(told) < PROBLEMS_MAX:
        refusal = _refusal(value, demand)
        if refusal is None:
            break
        found = _take_out(node, kind, demand, refusal)
        told += found
        value = decode(node, kind, []) if found else None
    problems += told
    return value


def _refusal(value: T | None, demand: Demand[T]) -> str | None:
    if value is None:
        return None
    try:
        demand(value)
    except RuleBroken as refusal:
        return str(refusal)
    return None


def _take_out(node: Node, kind: type[T], demand: Demand[T], refusal: str) -> list[Problem]:
    """Tells what the refusal is about and takes it out of the tree; empty where that is the node itself."""
    above, culprit, reason = _culprit(node, refusal)
    place = refusal.removesuffix(reason)
    if above is None:
        return []
    kept = culprit.value
    if isinstance(kept, dict | list) and kept:
        wrong = _wrong_alone(node, kind, demand, culprit, place)
        if wrong:
            return wrong
    if above.path and culprit.path[-1] in STAND_INS:
        culprit.value = STAND_INS[str(culprit.path[-1])]
    else:
        _remove(above, culprit)
    return [culprit.problem(reason)]


def _wrong_alone(node: Node, kind: type[T], demand: Demand[T], culprit: Node, place: str) -> list[Problem]:
    """Those of its children that are refused also without their siblings; they are taken out."""
    kept = culprit.value
    assert isinstance(kept, dict | list)  # the caller has looked
    culprit.value = type(kept)()
    empty = _refusal(decode(_copy(node), kind, []), demand)
    told: list[Problem] = []
    if not (empty or "").startswith(place):
        for name, child in list(kept.items()) if isinstance(kept, dict) else [("", child) for child in kept]:
            culprit.value = {name: child} if isinstance(kept, dict) else [child]
            alone = _refusal(decode(_copy(node), kind, []), demand)
            if len(told) == PROBLEMS_MAX:
                break
            if alone is not None and alone.startswith(place):
                told.append(child.problem(alone.removeprefix(place)))
    culprit.value = kept
    wrong = {problem.path for problem in told}
    if isinstance(kept, dict):
        culprit.value = {name: child for name, child in kept.items() if child.problem("").path not in wrong}
    else:
        culprit.value = [child for child in kept if child.problem("").path not in wrong]
    return told


def _culprit(node: Node, refusal: str) -> tuple[Node | None, Node, str]:
    """The node that the refusal begins with, the one that holds it, and the rest of the sentence."""
    above: Node | None = None
    rest = refusal
    while True:
        if above is not None and rest.startswith(": "):
            return above, node, rest[2:]
        found = _below(node, rest if above is None else rest.removeprefix("."))
        if found is None:
            return above, node, rest.lstrip(".: ")
        above, (node, rest) = node, found


def _below(node: Node, rest: str) -> tuple[Node, str] | None:
    if isinstance(node.value, list):
        number, closed, after = rest.removeprefix("[").partition("]")
        if rest.startswith("[") and closed and number.isdecimal() and int(number) < len(node.value):
            return node.value[int(number)], after
        return None
    if isinstance(node.value, dict):
        for name in sorted(node.value, key=len, reverse=True):  # a name may hold dots itself
            if rest.startswith(name) and rest[len(name) : len(name) + 1] in (".", "[", ":"):
                return node.value[name], rest[len(name) :]
    return None


def _remove(above: Node, child: Node) -> None:
    if isinstance(above.value, dict):
        above.value = {name: one for name, one in above.value.items() if one is not child}
    elif isinstance(above.value, list):
        above.value = [one for one in above.value if one is not child]


def _copy(node: Node) -> Node:
    """Decoding takes out of the tree what does not fit; a trial must not."""
    if isinstance(node.value, dict):
        return replace(node, value={name: _copy(child) for name, child in node.value.items()})
    if isinstance(node.value, list):
        return replace(node, value=[_copy(child) for child in node.value])
    return node
