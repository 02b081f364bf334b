"""Messenger and Instagram: every documented event alone, in batches and shuffled, and any JSON at all."""

import json
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import instagram, messenger
from channels.edge.payload import Delivery, UnreadablePayload
from tests.channels.batches import demand_batch_law, items_of
from tests.channels.messenger.samples import INSTAGRAM, MESSENGER, PAGE, delivery
from tests.channels.posted import an_account, posted

ACCOUNT = an_account("messenger", PAGE, app_secret="s", verify_token="v")
_NAMES = """entry id messaging standby changes value field sender recipient timestamp message mid text attachments type
payload url sticker_id reply_to story quick_reply referral is_echo is_deleted is_unsupported metadata message_edit
num_edit reaction action emoji postback title delivery mids watermark read optin user_ref elements coordinates"""
NAMES = _NAMES.split()
MEDIA = [(messenger, "page", MESSENGER), (instagram, "instagram", INSTAGRAM)]


@pytest.mark.parametrize(
    ("medium", "kind", "events"), [(messenger, "page", MESSENGER), (instagram, "instagram", INSTAGRAM)]
)
def test_events_alone_twice_shuffled_and_merged_give_the_same(
    medium: ModuleType, kind: str, events: list[dict[str, Any]], tell: Callable[[str], None]
) -> None:
    def read(payload: Any) -> Delivery:
        found: Delivery = medium.parse(ACCOUNT, posted(json.dumps(payload).encode()))
        return found

    payloads = [delivery(one, of=kind) for one in events]
    in_entries = {"object": kind, "entry": [entry for one in payloads for entry in one["entry"]]}

    found = demand_batch_law(payloads, [delivery(*events, of=kind), in_entries], read)

    told = [one for one in payloads if items_of(read(one))]
    tell(f"{medium.__name__}: {len(told)} of {len(payloads)} events read, {found} items whatever their order")
    assert len(told) == len(payloads)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=30,
)


@given(json_values)
def test_any_json_is_read_or_refused_as_unreadable(value: Any) -> None:
    events = [value, {"sender": {"id": "2"}, "message": value}, {"reaction": value, "delivery": value, "read": value}]
    for payload in (
        value,
        {"object": "page", "entry": value},
        delivery(*events, {"message": {"attachments": [value]}}),
    ):
        with suppress(UnreadablePayload):
            messenger.parse(ACCOUNT, posted(json.dumps(payload).encode()))
