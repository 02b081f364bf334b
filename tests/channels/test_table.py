"""The table of channels: each account is checked by its own channel."""

import pytest

from channels.table import CHANNELS, check_definition
from domain.account import AccountDefinition, AccountInvalid

SOCIAL = ["whatsapp", "messenger", "instagram", "telegram", "line"]


def test_every_social_medium_takes_messages_in_and_replies_out() -> None:
    assert set(CHANNELS) >= {"webchat", "email", *SOCIAL, "phone", "adapter"}
    for name in SOCIAL:
        assert CHANNELS[name].webhook is not None
        assert CHANNELS[name].send is not None
        assert CHANNELS[name].takes_replies


def test_a_definition_is_checked_by_its_channel() -> None:
    check_definition(AccountDefinition(channel="adapter", name="ERP", queue_id="q"))

    with pytest.raises(AccountInvalid, match="app_secret"):
        check_definition(AccountDefinition(channel="whatsapp", name="Shop", queue_id="q", address="1"))


def test_a_channel_we_do_not_have_is_refused_by_name() -> None:
    with pytest.raises(AccountInvalid, match="telegraph"):
        check_definition(AccountDefinition(channel="telegraph", name="T", queue_id="q"))
