"""What is wrong with a routing document, each thing with its place in the file."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import msgspec

from domain.event import RuleBroken

Path = tuple[str | int, ...]
"""Where in the document: `("queues", "Returns", "overflow", 0, "limit")`."""
PROBLEMS_MAX = 200
"""More than that are not told: the rest follows once these are mended."""
SHOWN_CHARACTERS_MAX = 100


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, or that is likely not meant."""

    line: int
    """From 1."""
    column: int
    path: str
    """`queues.Returns.required_skills.lang:zh`."""
    reason: str
    is_warning: bool = False
    """It may be applied all the same, by who says so."""

    def told(self, file_name: str) -> str:
        """`routing.yaml:12:7: queues.Returns.required_skills.lang:zh: nobody has this skill`."""
        place = f"{file_name}:{self.line}:{self.column}"
        words = [place, *(["warning"] if self.is_warning else []), *([self.path] if self.path else []), self.reason]
        return ": ".join(words)


class PlanRefused(RuleBroken):
    """The routing document cannot work here; each problem names its place."""

    def __init__(self, problems: Sequence[Problem] = (), file_name: str = "document") -> None:
        shown = sorted(problems, key=lambda problem: (problem.line, problem.column, problem.path))[:PROBLEMS_MAX]
        super().__init__("\n".join(problem.told(file_name) for problem in shown))  # its docstring where there are none
        self.problems = shown


class DefinitionRefused(RuleBroken):
    """The queue or the rules cannot work here as things stand; each error names its field."""

    def __init__(self, problems: Sequence[Problem] = ()) -> None:
        told = (": ".join(word for word in (problem.path, problem.reason) if word) for problem in problems)
        super().__init__("\n".join(told))  # its docstring where there are none
        self.problems = problems[:PROBLEMS_MAX]


class PlanUnreadable(PlanRefused):
    """The routing document cannot be read; each problem names its place."""


def shown_path(path: Path) -> str:
    """`queues.Returns.overflow[0].limit`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def shown(value: object) -> str:
    """A value of the document in a sentence, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'Returns'?`, or nothing where no known word is near."""
    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
