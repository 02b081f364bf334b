"""The guide to settings: it names exactly what the channels read, so that operators are told the truth."""

from typing import Any

import pytest
from msgspec.structs import replace
from typing_extensions import override

from application.exchange.limits import limits_of
from channels.guide.settings import EVERYWHERE, SETTINGS, names_of
from channels.table import CHANNELS
from domain.account import silent_after
from tests.channels.every_medium.accounts import ACCOUNTS
from tests.channels.posted import an_account

MORE: dict[str, list[dict[str, str]]] = {
    "email": [
        {
            "smtp_host": "mail.shop.example",
            "imap_host": "mail.shop.example",
            "imap_user": "help",
            "imap_password": "secret",
            "hook_provider": "generic",
            "hook_key": "user:a password of some length",
        }
    ],
    "phone": [{}, {"provider": "twilio", "account_sid": "AC1", "auth_token": "12345"}],
}
"""What makes a channel look at all of its settings, together."""


class Asked(dict[str, str]):
    """Settings that remember which were asked for."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    @override
    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default)

    @override
    def __getitem__(self, key: str) -> str:
        self.names.add(key)
        return super().__getitem__(key)

    @override
    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)


def test_every_channel_is_in_the_guide() -> None:
    assert set(SETTINGS) == set(CHANNELS)


@pytest.mark.parametrize("channel", list(CHANNELS))
def test_the_guide_names_what_the_channel_reads_and_nothing_else(channel: str) -> None:
    definition = ACCOUNTS[channel]
    names: set[str] = set()

    for more in MORE.get(channel, [{}]):
        asked = Asked(definition.settings | more)
        CHANNELS[channel].read_settings(replace(definition, settings=asked))
        names |= asked.names

    assert names == names_of(channel)


def test_the_guide_names_what_any_account_may_have() -> None:
    asked = Asked({})

    limits_of(CHANNELS["line"].limits, asked)
    silent_after(replace(an_account("line"), settings=asked))

    assert asked.names == {one.name for one in EVERYWHERE}
