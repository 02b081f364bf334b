"""The table of channels: each account is checked by its own channel."""

import pytest

from channels.table import CHANNELS, check_definition
from domain.account import AccountDefinition, AccountInvalid

HOOKED = ["whatsapp", "messenger", "instagram", "telegram", "line", "wechat", "wecom", "x", "sms"]


def test_these_channels_take_what_providers_post_and_send_what_agents_write() -> None:
    assert list(CHANNELS) == ["webchat", "email", *HOOKED, "phone", "adapter"]
    assert [name for name, channel in CHANNELS.items() if channel.takes_replies] == ["webchat", "email", *HOOKED]
    assert [name for name, channel in CHANNELS.items() if channel.webhook] == ["email", *HOOKED, "phone"]
    assert [name for name, channel in CHANNELS.items() if channel.send] == ["email", *HOOKED]


def test_a_definition_is_checked_by_its_channel() -> None:
    check_definition(AccountDefinition(channel="adapter", name="ERP", queue_id="q"))

    with pytest.raises(AccountInvalid, match="app_secret"):
        check_definition(AccountDefinition(channel="whatsapp", name="Shop", queue_id="q", address="1"))


def test_a_channel_we_do_not_have_is_refused_by_name() -> None:
    with pytest.raises(AccountInvalid, match="telegraph"):
        check_definition(AccountDefinition(channel="telegraph", name="T", queue_id="q"))
