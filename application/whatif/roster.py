"""Other agents: reads what is to be different about who works, from one line each or from a file."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from domain.agent import CAPACITY_MAX, SKILL_LEVEL_MAX
from domain.event import RuleBroken

ADDED_MAX = 1_000
LINE = re.compile(
    r"(?P<sign>[+-]?)(?P<who>[^:@]+?)(?:@(?P<capacity>[^:]*))?(?::(?P<skills>.*))?", re.DOTALL
)  # the name ends at the first colon: those behind it belong to skills, as in lang:zh
TEACHING = (
    "write +3:returns=5,lang:zh=6 for three more agents with these skills, +3@12:… with a capacity of 12,"
    " -Mei for a team without Mei, Mei:returns=7 for a Mei who can do more, or the name of a YAML or JSON file"
)


class RosterInvalid(RuleBroken):
    """The change of agents cannot be understood."""


Level = Annotated[int, msgspec.Meta(ge=0, le=SKILL_LEVEL_MAX)]


class Another(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change of the roster. Exactly one of `add`, `change` and `remove` is given.

    Example: `{"add": 3, "like": "Mei", "skills": {"returns": 5}, "capacity": 12}`, `{"remove": "Jonas"}`
    """

    add: Annotated[int, msgspec.Meta(ge=1, le=ADDED_MAX)] | None = None
    """So many more. Each works the hours of a recorded colleague, all colleagues in turn."""
    change: str | None = None
    """Name or id of an agent who gets these skills beside the recorded ones (level 0: loses it), this capacity."""
    remove: str | None = None
    """Name or id of an agent who never came."""
    like: str = ""
    """Only with `add`: the colleague whose hours they work."""
    skills: dict[str, Level] | None = None
    """Where absent: the colleague's."""
    capacity: Annotated[int, msgspec.Meta(ge=0, le=CAPACITY_MAX)] | None = None
    """Where absent: the colleague's."""
    place: str = ""
    """Where it was written, for a refusal that comes later."""

    def __post_init__(self) -> None:
        if [self.add, self.change, self.remove].count(None) != 2:
            raise ValueError("say one of add, change and remove")
        if self.like and self.add is None:
            raise ValueError("like: only for those that are added")
        if self.remove is not None and (self.skills is not None or self.capacity is not None):
            raise ValueError("who is removed needs neither skills nor capacity")


Roster = Sequence[Another]


def roster_from(texts: list[str]) -> Roster:
    """What the values of `--agents` say, in their order. Raises RosterInvalid, with the place.

    Example: `["+3:returns=5,lang:zh=6", "-Mei", "team.yaml"]`
    """
    roster: list[Another] = []
    for text in texts:
        if text.endswith((".yaml", ".yml", ".json")):
            roster += _from_file(Path(text))
        else:
            roster.append(_from_line(text))
    return roster


def _from_file(path: Path) -> list[Another]:
    """A list of changes, each as in `Another`."""
    try:
        written = msgspec.yaml.decode(path.read_bytes(), type=list[Another])
    except (OSError, msgspec.DecodeError) as error:
        raise RosterInvalid(f"{path}: {error}") from error
    return [msgspec.structs.replace(one, place=f"{path}, entry {nth}") for nth, one in enumerate(written, start=1)]


def _from_line(text: str) -> Another:
    place = f"--agents {text!r}"
    found = LINE.fullmatch(text.strip())
    if found is None:
        raise RosterInvalid(f"{place}: nobody is named; {TEACHING}")
    sign, who = found["sign"], found["who"].strip()
    written: dict[str, Any] = {"place": place}
    if found["capacity"] is not None:
        written["capacity"] = _number(place, "capacity", found["capacity"])
    if found["skills"] is not None:
        written["skills"] = _skills(place, found["skills"])
    if sign == "+":
        written["add"] = _number(place, "how many", who)
    else:
        written["remove" if sign == "-" else "change"] = who
    try:
        return msgspec.convert(written, Another)
    except msgspec.ValidationError as error:
        raise RosterInvalid(f"{place}: {error}; {TEACHING}") from error


def _skills(place: str, text: str) -> dict[str, int]:
    skills = {}
    for part in text.split(","):
        skill, equals, level = part.strip().rpartition("=")
        if not equals or not skill:
            raise RosterInvalid(f"{place}: in {part.strip()!r} a level is missing, as in returns=5")
        skills[skill] = _number(place, f"level of {skill}", level)
    return skills


def _number(place: str, what: str, text: str) -> int:
    if not text.strip().isdecimal():
        raise RosterInvalid(f"{place}: {what} is a whole number, not {text.strip()!r}")
    return int(text)
