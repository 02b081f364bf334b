"""A channel account: set up, paused and resumed."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain import account
from domain.account import (
    Account,
    AccountDefined,
    AccountDefinition,
    AccountInvalid,
    AccountThrottled,
    AccountUnknown,
    AccountWasPaused,
    AccountWasResumed,
)
from domain.agent import AgentSignedIn
from tests.domain.situations import NOON

SHOP = AccountDefinition(channel="whatsapp", name="Shop EU", queue_id="queue-returns", address="1122334455667")


def an_account() -> Account:
    return account.evolve(account.NEW, AccountDefined(definition=SHOP))


def a_paused_account() -> Account:
    return account.evolve(an_account(), AccountWasPaused(reason="number moved"))


def test_an_account_is_defined() -> None:
    events = account.define(account.NEW, SHOP)

    assert events == [AccountDefined(definition=SHOP)]


def test_a_new_definition_replaces_the_whole() -> None:
    renamed = replace(SHOP, name="Shop Europe")

    events = account.define(an_account(), renamed)

    assert events == [AccountDefined(definition=renamed)]


def test_the_same_definition_again_is_ignored() -> None:
    events = account.define(an_account(), replace(SHOP))

    assert events == []


def test_a_definition_does_not_end_a_pause() -> None:
    (event,) = account.define(a_paused_account(), replace(SHOP, name="Shop Europe"))

    assert account.evolve(a_paused_account(), event).is_paused


def test_an_account_needs_a_name() -> None:
    with pytest.raises(AccountInvalid, match=r"^name: "):
        account.define(account.NEW, replace(SHOP, name=" "))


def test_an_account_stays_on_its_channel() -> None:
    with pytest.raises(AccountInvalid, match=r"^channel: is whatsapp"):
        account.define(an_account(), replace(SHOP, channel="email"))


def test_an_account_is_paused() -> None:
    events = account.pause(an_account(), "number moved")

    assert events == [AccountWasPaused(reason="number moved")]
    assert account.evolve(an_account(), events[0]).is_paused


def test_pausing_twice_is_ignored() -> None:
    events = account.pause(a_paused_account(), "once more")

    assert events == []


def test_a_paused_account_is_resumed() -> None:
    events = account.resume(a_paused_account())

    assert events == [AccountWasResumed()]
    assert account.evolve(a_paused_account(), events[0]) == an_account()


def test_resuming_what_is_not_paused_is_ignored() -> None:
    events = account.resume(an_account())

    assert events == []


def test_an_unknown_account_is_neither_paused_nor_resumed() -> None:
    with pytest.raises(AccountUnknown):
        account.pause(account.NEW, "why not")
    with pytest.raises(AccountUnknown):
        account.resume(account.NEW)


def test_an_event_of_another_kind_changes_nothing() -> None:
    assert account.evolve(an_account(), AgentSignedIn()) == an_account()


def test_an_account_may_be_silent_unless_it_says_for_how_long() -> None:
    impatient = replace(SHOP, settings={"silent_after_minutes": "90"})

    assert account.silent_after(SHOP) is None
    assert account.silent_after(impatient) == timedelta(minutes=90)


@pytest.mark.parametrize("minutes", ["0", "-5", "five", "525601", "9" * 40, "1.5", "²"])
def test_a_silence_that_is_no_number_of_minutes_is_refused(minutes: str) -> None:
    with pytest.raises(AccountInvalid, match=r"^settings\.silent_after_minutes: "):
        account.define(account.NEW, replace(SHOP, settings={"silent_after_minutes": minutes}))


def test_what_a_provider_asks_for_is_remembered_until_then() -> None:
    events = account.throttle(an_account(), NOON, "429")

    assert events == [AccountThrottled(until=NOON, reason="429")]
    throttled = account.evolve(an_account(), events[0])
    assert throttled.throttled_until == NOON
    assert account.throttle(throttled, NOON, "429") == []
    assert account.throttle(throttled, NOON + timedelta(seconds=1), "429") != []


def test_an_account_that_is_not_known_cannot_be_throttled() -> None:
    with pytest.raises(AccountUnknown):
        account.throttle(account.NEW, NOON, "429")


def test_the_latest_notice_of_the_provider_stays_with_the_account() -> None:
    banned, hour = "account_update:DISABLED_UPDATE", timedelta(hours=1)
    (event,) = account.notice(an_account(), banned, NOON)
    noticed = account.evolve(an_account(), event)

    assert (noticed.notice, noticed.noticed_at) == (banned, NOON)
    assert account.notice(noticed, banned, NOON + hour / 2) == [], "the same again is no news"
    assert account.notice(noticed, "error:131031", NOON) == [], "nor is what is read a second time"
    assert len(account.notice(noticed, banned, NOON + hour)) == 1
    assert len(account.notice(noticed, "error:131031", NOON + hour / 2)) == 1
    with pytest.raises(AccountUnknown):
        account.notice(account.NEW, banned, NOON)


def test_accounts_that_only_a_shared_secret_tells_apart_are_named_to_each_other() -> None:
    def one(account_id: str, channel: str = "telegram", **settings: str) -> Account:
        definition = replace(SHOP, channel=channel, settings=settings)
        return replace(account.evolve(account.NEW, AccountDefined(definition=definition)), id=account_id)

    accounts = [
        one("a", secret_token="x"),
        one("b", secret_token="y", secret_token_previous="x"),
        one("c", secret_token="y"),
        one("d", secret_token="z"),
        one("e", channel="line", secret_token="x"),
        one("f", channel="phone", secret="x"),
        account.NEW,
    ]

    found = account.shared_secrets(accounts, {"telegram": "secret_token", "phone": "secret", "line": ""})

    assert found == {"a": ["b"], "b": ["a", "c"], "c": ["b"]}
