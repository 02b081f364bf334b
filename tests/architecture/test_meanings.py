"""What is stored under a name is read back by that name: when events come to mean something else, it must be raised."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from application.router_snapshots import STATE_NAME
from domain.event import Recorded
from domain.routing import evolve as routing
from domain.routing.state import RouterState
from tests.architecture import meanings
from tests.architecture.meanings import altered, plain, stored

REGENERATE = "python -m tests.architecture.meanings"
RAISE = (
    "what was stored under these names is read wrongly from now on. Raise the version: in domain/streams.py for a kind "
    "of stream, STATE_NAME in application/router_snapshots.py for the router, `version` of the fold for a view; then"
)


@pytest.fixture(scope="module")
def now() -> dict[str, dict[str, str]]:
    return meanings.meanings()


def test_nothing_means_something_else_under_the_name_that_it_is_stored_by(now: dict[str, dict[str, str]]) -> None:
    assert not altered(stored(), now), f"{RAISE} {REGENERATE}"


def test_every_name_and_every_shape_of_an_event_has_its_meaning_stored(now: dict[str, dict[str, str]]) -> None:
    assert stored() == now, f"something is new, or gone: {REGENERATE}"


def test_an_evolve_that_means_something_else_is_noticed_and_not_stored_under_the_old_name(
    now: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgets_the_rest(state: RouterState, recorded: Recorded) -> None:
        evolve(state, recorded)
        for waiting in state.facts.waiting.values():
            waiting.declined = {}

    evolve = routing.evolve
    monkeypatch.setattr(meanings, "evolve", forgets_the_rest)

    assert altered(now, meanings.meanings()) == [f"{STATE_NAME}: conversation.offer_declined"]
    with pytest.raises(SystemExit, match=f"{STATE_NAME}: conversation.offer_declined"):
        meanings.write()


def test_a_new_name_is_stored_beside_what_has_not_changed(
    now: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(meanings, "MEANINGS", tmp_path / "meanings.json")
    monkeypatch.setattr(meanings, "STATE_NAME", "router.new")

    meanings.write()

    assert set(stored()) - set(now) == {"router.new"}
    assert altered(now, stored()) == []


class Known(msgspec.Struct):
    """As it was stored once."""

    name: str = ""
    tags: frozenset[str] = frozenset()


class KnownBetter(Known):
    """With a field that only new events fill."""

    notes: dict[str, Any] = msgspec.field(default_factory=dict)


def test_a_field_that_only_new_events_fill_is_no_other_meaning() -> None:
    assert plain(KnownBetter(name="Li")) == plain(Known(name="Li")) == {"name": "Li"}
    assert plain(KnownBetter(tags=frozenset("ba"), notes={"a": 1})) == {"tags": ["a", "b"], "notes": {"a": 1}}
