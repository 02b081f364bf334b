"""The health of accounts: what came in and went out, what waits, and an alarm when one falls silent."""

import logging
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from api.upkeep.account_health import warn_of_shared_secrets
from application.commands import Command
from application.exchange.stuck import Stuck
from tests.api.deliveries.situations import (
    a_whatsapp_shop,
    definition,
    deliver,
    delivery,
    messages_for,
    read_all,
)
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop
from tests.waiting import wait_until


def health(shop: Shop) -> dict[str, Any]:
    return shop.administrator.shown(f"/v1/accounts/{shop.account_id}/health")  # type: ignore[no-any-return]


def gauges(deployment: Deployment, account_id: str) -> dict[str, float]:
    families = text_string_to_metric_families(deployment.anybody().get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return {one.name: one.value for one in samples if one.labels.get("account") == account_id}


def test_what_comes_in_is_counted_whatever_the_door(deployment: Deployment, administrator: Caller) -> None:
    whatsapp, adapter = a_whatsapp_shop(deployment, administrator), a_shop(deployment, administrator)

    deliver(whatsapp, messages_for(whatsapp, ("wamid.h1", "a"), ("wamid.h2", "b")))
    read_all(deployment)
    adapter.bring("ana")

    wait_until(lambda: health(whatsapp)["came_in"] == 2, what="both are counted")
    wait_until(lambda: health(adapter)["came_in"] == 1, what="it is counted")
    assert health(whatsapp)["last_in_at"] is not None
    assert (health(whatsapp)["last_out_at"], health(whatsapp)["went_out"]) == (None, 0)
    shown = administrator.shown("/v1/accounts/health")["items"]
    assert {whatsapp.account_id, adapter.account_id} <= {one["account_id"] for one in shown}


def test_what_waits_and_what_is_parked_shows_with_its_age(deployment: Deployment, administrator: Caller) -> None:
    shop = a_whatsapp_shop(deployment, administrator, app_secret_previous="old")
    deliver(shop, b"no JSON")
    read_all(deployment)
    deployment.known(administrator.done(f"/v1/accounts/{shop.account_id}/pause", {})["position"])
    deliver(shop, messages_for(shop, ("wamid.h3", "a")))
    read_all(deployment)

    found = health(shop)

    assert (found["parked"], found["waiting"], found["is_paused"], found["is_silent"]) == (1, 1, True, False)
    assert found["lag_seconds"] > 0
    assert found["has_previous_secret"] is True
    told = gauges(deployment, shop.account_id)
    assert (told["onethread_account_deliveries_parked"], told["onethread_account_deliveries_waiting"]) == (1, 1)
    assert told["onethread_account_lag_seconds"] > 0


def test_an_account_that_should_hear_something_and_does_not_raises_an_alarm(
    deployment: Deployment, administrator: Caller
) -> None:
    silent = a_shop(deployment, administrator, settings={"silent_after_minutes": "5"})
    quiet = a_shop(deployment, administrator)
    before = health(silent)["is_silent"], gauges(deployment, silent.account_id)["onethread_account_silent"]

    silent.bring("ana")
    wait_until(lambda: health(silent)["came_in"] == 1, what="it is counted")

    assert before == (True, 1)
    assert (health(silent)["is_silent"], health(silent)["silent_after_minutes"]) == (False, 5)
    assert (health(quiet)["is_silent"], health(quiet)["silent_after_minutes"]) == (False, None)


def test_news_of_the_account_itself_is_named_logged_and_shown(
    deployment: Deployment, administrator: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    shop = a_whatsapp_shop(deployment, administrator)
    number = definition(shop).address
    banned = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}
    failed = {"metadata": {"phone_number_id": number}, "errors": [{"code": 131_031, "title": "Told to +4930901820"}]}
    call = {"metadata": {"phone_number_id": number}, "calls": [{"id": "wacid.1", "event": "connect"}]}
    caplog.set_level(logging.INFO, "api.doors.delivery_taking")

    for field, value in (("messages", failed), ("account_update", banned), ("calls", call)):
        deliver(shop, delivery({"id": "1", "changes": [{"field": field, "value": value}]}))
        read_all(deployment)
    wait_until(lambda: health(shop)["notice"] == "account_update:DISABLED_UPDATE", what="the ban is known")

    assert health(shop)["noticed_at"] is not None
    kinds = [vars(one)["kind"] for one in caplog.records if one.message == "news that is not stored"]
    assert kinds == ["error:131031", "account_update:DISABLED_UPDATE", "calls:connect"]
    told = deployment.anybody().get("/metrics").text
    for kind in ("error", "account_update", "calls"):
        assert f'onethread_news_ignored_total{{channel="whatsapp",kind="{kind}"}}' in told


def test_replies_that_cannot_be_tried_are_told_of(deployment: Deployment, administrator: Caller) -> None:
    shop = a_shop(deployment, administrator)
    since = datetime(2026, 11, 11, 12, tzinfo=UTC)
    for nth in range(2):
        one = Stuck(
            message_id=f"message-{shop.account_id[-31:]}{nth}",
            account_id=shop.account_id,
            position=nth + 1,
            since=since + timedelta(minutes=nth),
            because=f"reason {nth}",
        )
        deployment.run(deployment.parts.stuck_replies.note(one))

    found = health(shop)

    assert (found["replies_stuck"], found["replies_stuck_because"]) == (2, "reason 0")
    assert found["replies_stuck_since"] == "2026-11-11T12:00:00Z"
    assert gauges(deployment, shop.account_id)["onethread_account_replies_stuck"] == 2


def test_accounts_that_share_the_secret_they_are_told_by_are_named_and_the_secret_is_not(
    deployment: Deployment, administrator: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    secret, parts = secrets.token_hex(8), deployment.parts
    first = a_shop(deployment, administrator, channel="telegram", address="1", settings={"secret_token": secret})
    before_that_was_refused = replace(definition(first), address="2", name="Other")
    command = Command(actor="test", at=datetime.now(UTC))
    done, other = deployment.run(parts.set_up.define_account(command, None, before_that_was_refused))
    deployment.known(done.position)

    found, told = health(first), gauges(deployment, first.account_id)
    warn_of_shared_secrets(parts.directory)

    assert found["shares_secret_with"] == [other]
    assert told["onethread_account_shares_secret"] == 1
    assert f"account {first.account_id} has the same secret as {other}: give each its own" in caplog.messages
    assert secret not in caplog.text
    assert secret not in str(found)
