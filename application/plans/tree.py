"""The text of a document as a tree in which everything knows its place. YAML; JSON is a part of that.

Plain words mean what YAML 1.2 says, not 1.1: `no` and `on` are texts, `09:30` is no number of seconds and `2026-12-25`
no date. Anchors' aliases and tags are refused, so that a small file cannot become a large document.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import yaml

from application.plans.problems import Path, PlanUnreadable, Problem, shown, shown_path

BYTES_MAX = 1_000_000
DEPTH_MAX = 20
DIGITS_MAX = 15
LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""The one in C is ten times as fast. Only its events are used: nothing is ever constructed."""

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(rf"[-+]?[0-9]{{1,{DIGITS_MAX}}}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
"""JSON's way to escape characters beyond U+FFFF; YAML has another."""
_TEXT_TAG = "tag:yaml.org,2002:str"


class Node(msgspec.Struct):
    """A value of the document. Its place is that of its name, or its own where it is an item of a list."""

    path: Path
    line: int
    column: int
    value: "dict[str, Node] | list[Node] | str | int | float | bool | None"

    def problem(self, reason: str, *, is_warning: bool = False) -> Problem:
        return Problem(
            line=self.line, column=self.column, path=shown_path(self.path), reason=reason, is_warning=is_warning
        )

    def find(self, *steps: str | int) -> "Node":
        """The node there; the nearest one above it that the document has where it has none."""
        return self._ways(steps)[-1]

    def has(self, *steps: str | int) -> bool:
        """Whether there is a node there."""
        return len(self._ways(steps)) > len(steps)

    def _ways(self, steps: Sequence[str | int]) -> "list[Node]":
        """Itself and what is below it on the way, as far as that goes."""
        nodes = [self]
        for step in steps:
            value, below = nodes[-1].value, None
            if isinstance(value, dict) and isinstance(step, str):
                below = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                below = value[step]
            if below is None:
                break
            nodes.append(below)
        return nodes


def read_tree(raw: str | bytes, problems: list[Problem]) -> Node:
    """The document; what is wrong with it but leaves the rest readable is added to the problems.

    Raises PlanUnreadable where it cannot be taken apart.
    """
    text = _text(raw)
    try:
        return _Reader(text, problems).read()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise _unreadable(f"the character U+{code:04X} is not allowed", line, column) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(word for word in (error.context, error.problem) if word)
        raise _unreadable(reason, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1) from None


def _text(raw: str | bytes) -> str:
    if len(raw) > BYTES_MAX:
        raise _unreadable(f"{len(raw)} bytes are too many; a document has at most {BYTES_MAX}")
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8-sig")
        return _PAIR.sub(_joined, text) if text.lstrip().startswith("{") else text
    except UnicodeDecodeError as error:
        assert isinstance(raw, bytes)  # a text is decoded already
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise _unreadable("this is not UTF-8", line, column) from None


def _joined(pair: re.Match[str]) -> str:
    high, low = int(pair[2], 16), int(pair[3], 16)
    return pair[1] + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _unreadable(reason: str, line: int = 1, column: int = 1) -> PlanUnreadable:
    return PlanUnreadable([Problem(line=line, column=column, path="", reason=reason)])


class _Reader:
    """Takes the parser's events in their order."""

    def __init__(self, text: str, problems: list[Problem]) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=LOADER))
        self._problems = problems

    def read(self) -> Node:
        started = [next(self._events), next(self._events)]
        if isinstance(started[1], yaml.StreamEndEvent):
            raise _unreadable("the document is empty; it has `policy:`, `queues:` or both")
        node = self._node(next(self._events), (), None)
        next(self._events)  # the end of the document
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            mark = after.start_mark
            raise _unreadable("a second document begins here; a file has one", mark.line + 1, mark.column + 1)
        return node

    def _node(self, event: Any, path: Path, name: Any) -> Node:
        mark = (name or event).start_mark
        node = Node(path, mark.line + 1, mark.column + 1, None)
        if len(path) > DEPTH_MAX:
            raise _unreadable(f"this is nested more than {DEPTH_MAX} deep", node.line, node.column)
        match event:
            case yaml.ScalarEvent():
                node.value = self._scalar(event, node)
            case yaml.MappingStartEvent():
                self._demand_no_tag(event, node)
                node.value = self._mapping(path)
            case yaml.SequenceStartEvent():
                self._demand_no_tag(event, node)
                node.value = self._sequence(path)
            case _:
                self._problems.append(node.problem("aliases are not taken; write it out"))
        return node

    def _mapping(self, path: Path) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(name := next(self._events), yaml.MappingEndEvent):
            if not isinstance(name, yaml.ScalarEvent):
                mark = name.start_mark
                raise _unreadable("a name is a text, not a list or a mapping", mark.line + 1, mark.column + 1)
            child = self._node(next(self._events), (*path, name.value), name)
            if name.value in found:
                first = found[name.value]
                self._problems.append(child.problem(f"this is given twice; first in line {first.line}"))
            elif not _is_clean(name.value):
                self._problems.append(child.problem("NUL and lone surrogates are not allowed in names"))
            else:
                found[name.value] = child
        return found

    def _sequence(self, path: Path) -> list[Node]:
        found: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, (*path, len(found)), None))
        return found

    def _scalar(self, event: Any, node: Node) -> str | int | float | bool | None:
        text: str = event.value
        if not _is_clean(text):
            self._problems.append(node.problem("NUL and lone surrogates are not allowed in texts"))
            return None
        if event.tag is not None and event.tag != _TEXT_TAG:
            self._demand_no_tag(event, node)
        return text if event.tag or not event.implicit[0] else plain(text)

    def _demand_no_tag(self, event: Any, node: Node) -> None:
        if event.tag is not None:
            self._problems.append(node.problem(f"tags are not taken: {shown(event.tag)}"))


def plain(text: str) -> str | int | float | bool | None:
    """What a word without quotes means, by the core schema of YAML 1.2."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and len(text) <= DIGITS_MAX + 5 else text


def _is_clean(text: str) -> bool:
    """Whether it can be kept everywhere."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
