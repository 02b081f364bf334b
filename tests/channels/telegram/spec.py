"""Updates made from the Bot API as data: for every kind of update and of message, with every field it may have."""

import json
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest

from tests.channels.corpora import CORPORA

DEPTH_MAX = 6
SCALARS: dict[str, Any] = {"Integer": 7, "String": "word", "Boolean": True, "Float": 52.5}
CHAT = {"id": 42, "type": "private", "first_name": "Ana"}
PERSON = {"id": 42, "is_bot": False, "first_name": "Ana", "last_name": "Lee"}
GIVEN: dict[str, Any] = {"Chat": CHAT, "User": PERSON}
"""Types that are the same everywhere, so that all updates are of one chat."""


@cache
def types() -> dict[str, Any]:
    """Every type of the Bot API by name."""
    path = Path(CORPORA) / "telegram" / "api.json"
    if not path.exists():
        pytest.skip(f"no samples in {path.parent}")
    return cast("dict[str, Any]", json.loads(path.read_bytes())["types"])


def fields(name: str) -> list[dict[str, Any]]:
    """The fields of a type."""
    return cast("list[dict[str, Any]]", types()[name].get("fields", []))


def made(kind: str, *, is_full: bool, depth: int = 0) -> Any:
    """A value of the type: with the fields it must have, or with all it may have down to some depth."""
    if kind.startswith("Array of "):
        return [made(kind.removeprefix("Array of "), is_full=is_full, depth=depth + 1)]
    if kind in SCALARS:
        return SCALARS[kind]
    if kind in GIVEN:
        return GIVEN[kind]
    if subtypes := types()[kind].get("subtypes"):
        return made(subtypes[depth % len(subtypes)], is_full=is_full, depth=depth + 1)
    is_wide = is_full and depth < DEPTH_MAX
    return {
        one["name"]: made(one["types"][0], is_full=is_full and depth < 2, depth=depth + 1)
        for one in fields(kind)
        if one["required"] or (is_wide and not (kind == "Message" and depth > 0))
    }


def updates() -> list[dict[str, Any]]:
    """One update of each kind, bare and full; where that is a message, one of each optional field too."""
    kinds = [one for one in fields("Update") if one["name"] != "update_id"]
    found: list[dict[str, Any]] = []
    for kind in kinds:
        found.extend({kind["name"]: made(kind["types"][0], is_full=is_full)} for is_full in (False, True))
        if kind["types"] == ["Message"]:
            bare = made("Message", is_full=False)
            found.extend(
                {kind["name"]: bare | {one["name"]: made(one["types"][0], is_full=True, depth=1)}}
                for one in fields("Message")
                if not one["required"]
            )
    return [{"update_id": number, **one} for number, one in enumerate(found, start=1)]
