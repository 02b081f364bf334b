"""WhatsApp: every payload of the corpus, alone and in one batch, and any JSON at all."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from channels import whatsapp
from channels.edge.payload import UnreadablePayload
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
]


def test_all_payloads_of_the_corpus_come_out_as_something(tell: Callable[[str], None]) -> None:
    payloads = whatsapp_payloads()

    found = {name: whatsapp.parse(ACCOUNT, posted(json.dumps(one).encode())) for name, one in payloads.items()}

    told = [name for name, one in found.items() if one.messages or one.reports or one.ignored]
    tell(f"WhatsApp payloads read: {len(told)} of {len(payloads)}")
    assert len(told) == len(payloads) >= 74


def test_the_corpus_merged_into_one_batch_gives_the_same() -> None:
    payloads = list(whatsapp_payloads().values())
    merged = {"object": "whatsapp_business_account", "entry": [entry for one in payloads for entry in one["entry"]]}

    batch = whatsapp.parse(ACCOUNT, posted(json.dumps(merged).encode()))

    singles = [whatsapp.parse(ACCOUNT, posted(json.dumps(one).encode())) for one in payloads]
    assert batch.messages == [message for one in singles for message in one.messages]
    assert batch.reports == [report for one in singles for report in one.reports]
    assert batch.ignored == [kind for one in singles for kind in one.ignored]


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
    for payload in (value, {"entry": [{"changes": [{"field": "messages", "value": {"messages": [value]}}]}]}):
        with suppress(UnreadablePayload):
            whatsapp.parse(ACCOUNT, posted(json.dumps(payload).encode()))
