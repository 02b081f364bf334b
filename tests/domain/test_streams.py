"""The map from kinds of streams to their aggregates."""

import msgspec
import pytest

from domain.event import TOPICS
from domain.streams import AGGREGATES, topics_of

STREAM_KINDS = sorted(AGGREGATES)
TOPIC_PREFIXES_OF_CUSTOMER_STREAMS = {"conversation", "customer"}
TOPIC_PREFIXES_OUTSIDE_STREAMS = {"log"}


@pytest.mark.parametrize("kind", STREAM_KINDS)
def test_a_new_state_can_be_stored_and_read_back(kind: str) -> None:
    new = AGGREGATES[kind].new

    stored = msgspec.msgpack.encode(new)

    assert msgspec.msgpack.decode(stored, type=type(new)) == new


def test_state_names_are_all_different() -> None:
    names = {aggregate.state_name for aggregate in AGGREGATES.values()}

    assert len(names) == len(AGGREGATES)


def test_every_event_of_the_domain_belongs_to_a_kind_of_stream() -> None:
    prefixes = {topic.partition(".")[0] for topic, event in TOPICS.items() if event.__module__.startswith("domain.")}

    assert prefixes - TOPIC_PREFIXES_OF_CUSTOMER_STREAMS - TOPIC_PREFIXES_OUTSIDE_STREAMS <= set(STREAM_KINDS)


def test_topics_are_listed_by_kind() -> None:
    topics = topics_of("queue", "policy")

    assert topics >= {"queue.defined", "queue.retired", "policy.defined"}
    assert "agent.signed_in" not in topics
