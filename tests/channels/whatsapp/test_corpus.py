"""WhatsApp: every payload of the corpus, alone and in one batch, and any JSON at all."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from channels import whatsapp
from channels.edge.payload import Delivery, UnreadablePayload
from tests.channels.batches import demand_batch_law, items_of
from tests.channels.corpora import whatsapp_payloads
from tests.channels.posted import an_account, posted

ACCOUNT = an_account("whatsapp", "1122334455667", app_secret="s", verify_token="v")
NAMES = [
    "entry",
    "changes",
    "value",
    "messages",
    "statuses",
    "contacts",
    "metadata",
    "type",
    "text",
    "id",
    "from",
    "edit",
    "message",
    "interactive",
    "nfm_reply",
    "response_json",
    "errors",
    "context",
    "timestamp",
    "order",
    "body",
    "message_echoes",
    "user_id_update",
    "user_id",
    "system",
    "referral",
    "referred_product",
]


def test_all_payloads_of_the_corpus_come_out_as_something(tell: Callable[[str], None]) -> None:
    payloads = whatsapp_payloads()

    found = {name: whatsapp.parse(ACCOUNT, posted(json.dumps(one).encode())) for name, one in payloads.items()}

    told = [name for name, one in found.items() if items_of(one)]
    tell(f"WhatsApp payloads read: {len(told)} of {len(payloads)}")
    assert len(told) == len(payloads) >= 74


def test_the_corpus_alone_twice_shuffled_and_merged_gives_the_same(tell: Callable[[str], None]) -> None:
    payloads = list(whatsapp_payloads().values())
    entries = [entry for one in payloads for entry in one["entry"]]
    merged = {"object": "whatsapp_business_account", "entry": entries}
    in_one_entry = {**merged, "entry": [{"id": "1", "changes": [one for entry in entries for one in entry["changes"]]}]}

    def read(payload: Any) -> Delivery:
        return whatsapp.parse(ACCOUNT, posted(json.dumps(payload).encode()))

    found = demand_batch_law(payloads, [merged, in_one_entry], read)

    tell(f"WhatsApp batches: {found} different items of {len(payloads)} payloads, whatever their order")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(json_values)
def test_any_json_is_read_or_refused_as_unreadable(value: Any) -> None:
    changes = [{"field": "messages", "value": {name: [value]}} for name in ("messages", "message_echoes")]
    for payload in (value, {"entry": [{"changes": [*changes, {"value": value}]}]}):
        with suppress(UnreadablePayload):
            whatsapp.parse(ACCOUNT, posted(json.dumps(payload).encode()))
