"""Telegram: updates of every kind made from the Bot API as data, and any JSON at all."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from channels import telegram
from channels.edge.payload import Delivery, UnreadablePayload
from channels.social.telegram_content import ENVELOPE, FILES, NEWS, UNSHOWN
from domain.interaction import ContentKind
from tests.channels.batches import demand_batch_law, items_of
from tests.channels.posted import an_account, posted
from tests.channels.telegram.spec import fields, updates

ACCOUNT = an_account("telegram", "110201543", secret_token="s")
_NAMES = """update_id message edited_message business_message deleted_business_messages message_reaction callback_query
my_chat_member message_id message_ids chat from id type date text photo width file_id file_size rich_message blocks
items caption reply_to_message external_reply new_reaction emoji reply_markup inline_keyboard data new_chat_member
status business_connection_id contact poll options venue location web_app_data dice sticker"""
NAMES = _NAMES.split()
SHOWN = frozenset({"text", "photo", "venue", "location", "contact", "web_app_data"})
SHOWN_AS_TEXT = frozenset({"dice", "poll", "checklist", "rich_message"})


def read(update: Any) -> Delivery:
    return telegram.parse(ACCOUNT, posted(json.dumps(update).encode()))


def test_every_update_alone_twice_and_shuffled_gives_the_same(tell: Callable[[str], None]) -> None:
    made_of_spec = updates()

    found = demand_batch_law(made_of_spec, made_of_spec, read)

    told = [one for one in made_of_spec if items_of(read(one))]
    kinds = {name for one in made_of_spec for name in one if name != "update_id"}
    tell(f"Telegram updates read: {len(told)} of {len(made_of_spec)}, of {len(kinds)} kinds, {found} different items")
    assert len(told) == len(made_of_spec)
    assert kinds == {one["name"] for one in fields("Update")} - {"update_id"}


def test_every_field_of_a_message_is_shown_told_or_the_envelope_of_one() -> None:
    names = {one["name"] for one in fields("Message")}

    assert names == SHOWN | SHOWN_AS_TEXT | set(FILES) | set(UNSHOWN) | set(NEWS) | ENVELOPE


def test_a_kind_of_a_later_bot_api_is_named_to_the_agent() -> None:
    ((_, message),) = read({"update_id": 1, "message": {"message_id": 7, "chat": {"id": 42}, "hologram": {}}}).messages

    assert message.content.kind is ContentKind.UNSUPPORTED
    assert message.content.text == "This kind of Telegram message cannot be shown: hologram"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=30,
)


@given(json_values)
def test_any_json_is_read_or_refused_as_unreadable(value: Any) -> None:
    for payload in (value, *({"update_id": 1, name: value} for name in telegram.READERS)):
        with suppress(UnreadablePayload):
            read(payload)
