"""Events are stored for ever, so their shape is a promise: it may grow by optional fields, nothing else."""

import msgspec
import pytest

from tests.architecture.catalogue import catalogue, committed, events, sample, samples, stored

REGENERATE = "If it was meant: python -m tests.architecture.catalogue"
BREAKS_OLD_LOGS = "Old logs hold the event as it was: give the new shape a new topic instead"


def test_no_event_or_field_that_logs_hold_is_gone() -> None:
    before, now = committed(), catalogue()
    gone = [name for name in before if name not in now]
    gone += [f"{name}.{field}" for name in before if name in now for field in before[name] if field not in now[name]]

    assert not gone, f"{BREAKS_OLD_LOGS}."


def test_no_field_that_logs_hold_has_another_type() -> None:
    before, now = committed(), catalogue()
    changed = [
        f"{name}.{field}: was {was['type']}, is {now[name][field]['type']}"
        for name in before.keys() & now.keys()
        for field, was in before[name].items()
        if field in now[name] and now[name][field]["type"] != was["type"]
    ]

    assert not changed, f"{BREAKS_OLD_LOGS}; where the new type reads all that the old one wrote: {REGENERATE}"


def test_an_event_grows_by_optional_fields_only() -> None:
    before, now = committed(), catalogue()
    demanding = [
        f"{name}.{field}"
        for name in before.keys() & now.keys()
        for field, is_now in now[name].items()
        if is_now["required"] and not before[name].get(field, {}).get("required", False)
    ]

    assert not demanding, f"Stored events lack these fields: give each a default. {BREAKS_OLD_LOGS}."


def test_the_committed_catalogue_is_complete() -> None:
    before, now = committed(), catalogue()
    new = [name for name in now if name not in before]
    new += [
        f"{name}.{field}" for name in before.keys() & now.keys() for field in now[name].keys() - before[name].keys()
    ]
    eased = [
        f"{name}.{field} became optional"
        for name in before.keys() & now.keys()
        for field, was in before[name].items()
        if was["required"] and not now[name].get(field, was)["required"]
    ]

    assert not new + eased, REGENERATE


@pytest.mark.parametrize("topic", sorted(samples()))
def test_every_stored_sample_is_still_read_and_written_back(topic: str) -> None:
    event = events()[topic]

    for payload in samples()[topic]:
        decoded = msgspec.msgpack.decode(bytes.fromhex(payload), type=event)
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(decoded), type=event)
        assert again == decoded


@pytest.mark.parametrize("topic", sorted(samples()))
def test_the_newest_sample_loses_nothing(topic: str) -> None:
    newest = bytes.fromhex(samples()[topic][-1])

    decoded = msgspec.msgpack.decode(newest, type=events()[topic])

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(decoded)) == msgspec.msgpack.decode(newest)


def test_every_event_has_a_sample_of_its_present_shape() -> None:
    lacking = [topic for topic, event in events().items() if stored(sample(event)) not in samples().get(topic, [])]

    assert not lacking, REGENERATE


def test_a_topic_is_the_kind_and_what_happened_in_snake_case() -> None:
    odd = [
        topic for topic in events() if not topic.replace("_", "").replace(".", "", 1).isalpha() or not topic.islower()
    ]

    assert not odd, "as in conversation.message_received"


def test_every_event_says_its_business_meaning() -> None:
    silent = [topic for topic, event in events().items() if not (event.__doc__ or "").strip().endswith((".", "…"))]

    assert not silent, "one sentence in the class's docstring"
