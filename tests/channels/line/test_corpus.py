"""LINE: the events of the corpus, alone and in batches, and any JSON at all."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from channels import line
from channels.edge.payload import Delivery, UnreadablePayload
from tests.channels.batches import demand_batch_law, items_of
from tests.channels.corpora import line_deliveries
from tests.channels.posted import an_account, posted

ACCOUNT = an_account("line", "U123", channel_secret="s")
_NAMES = """destination events type mode timestamp source userId groupId roomId webhookEventId deliveryContext message
id text quotedMessageId contentProvider originalContentUrl imageSet index total keywords fileName fileSize latitude
postback data params unsend messageId follow isUnblocked link result membership"""
NAMES = _NAMES.split()


def read(payload: Any) -> Delivery:
    return line.parse(ACCOUNT, posted(json.dumps(payload).encode()))


def test_every_event_alone_twice_shuffled_and_merged_gives_the_same(tell: Callable[[str], None]) -> None:
    whole = line_deliveries()
    events = [{**one, "events": [event]} for one in whole for event in one["events"]]

    found = demand_batch_law(events, whole, read)

    told = [one for one in events if items_of(read(one))]
    tell(f"LINE events read: {len(told)} of {len(events)}, {found} different items whatever their order")
    assert len(told) == len(events) >= 28


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=30,
)


@given(json_values)
def test_any_json_is_read_or_refused_as_unreadable(value: Any) -> None:
    kinds = [{"type": kind, "message": value, "postback": value, "unsend": value} for kind in line.READERS]
    typed = [
        {"type": "message", "source": value, "message": {"type": kind, "id": value}} for kind in ("image", "sticker")
    ]
    for payload in (value, {"events": value}, {"events": [value, *kinds, *typed]}):
        with suppress(UnreadablePayload):
            read(payload)
