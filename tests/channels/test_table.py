"""The table of channels: each account is checked by its own channel."""

import pytest

from channels.table import CHANNELS, check_definition, takes_of
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


def test_files_that_providers_fetch_are_taken_where_they_can_reach_us() -> None:
    own_login, page = {"login": "instagram"}, dict[str, str]()
    asked = [("line", page), ("sms", page), ("instagram", own_login), ("instagram", page), ("telegram", page)]

    within = [takes_of(channel, settings, has_links=False) for channel, settings in asked]
    reached = [takes_of(channel, settings, has_links=True) for channel, settings in asked]

    assert [one is not None and one.files is not None for one in within] == [False, False, False, True, True]
    assert all(one is not None and one.files is not None for one in reached)
    assert takes_of("phone", page, has_links=True) is None
