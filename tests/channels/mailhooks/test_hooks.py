"""Hooks of mail providers: one message for each mailbox that the envelope names, whatever form it was posted in."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from application.exchange.media import MediaRefused
from channels.edge.payload import Delivery, Posted, UnreadablePayload
from channels.mail.arriving import hooks
from channels.mail.arriving.settings import Hook
from channels.mail.threads import reply_address
from channels.table import CHANNELS, check_definition
from domain.account import AccountDefinition, AccountInvalid
from tests.channels.mailhooks.situations import (
    BASIC,
    KEY,
    MAIL,
    ScriptedProvider,
    a_form,
    a_post,
    an_account,
    messages_in,
)

CONVERSATION = "conversation-0193a7c2b3c4d5e6f708192a3b4c5d6e"
TOKEN = reply_address(CONVERSATION, domain="shop.example", key=KEY.encode())
RESEND = {"hook_key": "whsec_plJ3nmyCDGBKInavdOK15jsl", "hook_api_key": "re_1"}


def read(account: AccountDefinition, posted: Posted) -> list[tuple[str, str, str]]:
    """By mail: address, provider's id, conversation."""
    delivery = hooks.parse(account, posted)
    return [(address, one.provider_id, one.conversation_id) for address, one in messages_in(delivery)]


def mailgun_forms(recipient: str) -> list[Posted]:
    fields = {"recipient": recipient.encode(), "body-mime": MAIL, "token": b"x"}
    return [a_form(fields), a_post(urlencode(fields).encode(), "application/x-www-form-urlencoded")]


@pytest.mark.parametrize("posted", mailgun_forms("help@shop.example"))
def test_mailguns_raw_mail_is_read_out_of_either_form(posted: Posted) -> None:
    (address, message) = messages_in(hooks.parse(an_account("mailgun"), posted))[0]

    assert (address, message.provider_id, message.author) == ("help@shop.example", "<1@example.org>", "Jürgen")
    assert message.content.text.strip() == "Wo ist es? 😀"


def test_sendgrids_envelope_says_whose_mail_it_is_whatever_the_headers_say() -> None:
    to = ["Help+vip@shop.example", "sales@shop.example", TOKEN, "sales+x@shop.example"]
    posted = a_form({"email": MAIL, "envelope": json.dumps({"to": to, "from": "x@y.example"}).encode()})

    assert read(an_account("sendgrid"), posted) == [
        ("help@shop.example", "<1@example.org>", ""),
        ("sales@shop.example", "<1@example.org>", ""),
    ]


def test_an_alias_and_a_reply_token_belong_to_the_account_and_the_token_names_the_conversation() -> None:
    account = an_account("postmark", aliases="sales@shop.example, info@shop.example")

    for recipient, conversation in (("Info@shop.example", ""), (TOKEN, CONVERSATION)):
        posted = a_post(json.dumps({"RawEmail": MAIL.decode(), "OriginalRecipient": recipient}).encode())
        assert read(account, posted) == [("help@shop.example", "<1@example.org>", conversation)]


def test_an_address_that_the_provider_lent_us_counts_for_the_hooks_own_account() -> None:
    lent = "451d9b70cf9364d23ff6f9d51d870251@inbound.postmarkapp.com"
    posted = a_post(json.dumps({"RawEmail": MAIL.decode(), "OriginalRecipient": lent}).encode())

    assert read(an_account("postmark"), posted) == [("help@shop.example", "<1@example.org>", "")]


def test_a_generic_post_is_raw_mail_with_its_recipient_in_the_query() -> None:
    posted = Posted(
        raw=MAIL,
        received_at=a_post(b"").received_at,
        headers={"content-type": "message/rfc822", "authorization": BASIC},
        query={"recipient": TOKEN},
    )

    hooks.verify(an_account("generic"), posted)

    assert read(an_account("generic"), posted) == [("help@shop.example", "<1@example.org>", CONVERSATION)]


@pytest.mark.parametrize(
    ("provider", "posted"),
    [
        ("mailgun", a_form({"recipient": b"help@shop.example"})),
        ("mailgun", a_post(b"{}")),
        ("mailgun", a_post(b"--x", "multipart/form-data; boundary=x")),
        ("mailgun", a_post(b"x" * 100, "multipart/form-data; boundary=xYzZY")),
        ("sendgrid", a_form({"text": b"parsed, not raw"})),
        ("sendgrid", a_form({"email": MAIL, "envelope": b"{"})),
        ("postmark", a_post(b'{"TextBody": "parsed, not raw"}')),
        ("postmark", a_post(b"[")),
        ("generic", a_post(MAIL, "text/plain")),
        ("generic", a_post(b" ", "message/rfc822")),
    ],
)
def test_what_holds_no_raw_mail_says_so(provider: str, posted: Posted) -> None:
    with pytest.raises(UnreadablePayload):
        hooks.parse(an_account(provider), posted)


@pytest.mark.parametrize("envelope", [b"[]", b'{"to": "help@shop.example"}', b'{"to": [1, null, {}]}', b"{}"])
def test_an_odd_envelope_costs_no_mail(envelope: bytes) -> None:
    posted = a_form({"email": MAIL, "envelope": envelope})

    assert [one[0] for one in read(an_account("sendgrid"), posted)] == ["help@shop.example"]


def completed(account: AccountDefinition, posted: Posted, provider: ScriptedProvider) -> Delivery:
    async def run() -> Delivery:
        async with provider.serving():
            return hooks.parse(account, await hooks.complete(account, posted, provider.get))

    return asyncio.run(run())


def a_resend_event(**data: Any) -> Posted:
    whole = {"email_id": "4ef9a417-02e9-4d39-ad75-9611e0fcc33c", "to": ["help@shop.example"]} | data
    return a_post(json.dumps({"type": "email.received", "data": whole}).encode())


def resends_answers() -> dict[str, bytes]:
    link = "https://inbound-cdn.resend.com/raw/1"
    told = {"object": "email", "raw": {"download_url": link, "expires_at": "2026-11-21T13:00:00Z"}}
    return {"/emails/receiving/4ef9a417-02e9-4d39-ad75-9611e0fcc33c": json.dumps(told).encode(), "/raw/1": MAIL}


def test_resends_mail_is_fetched_by_its_id_with_the_key_that_is_let_in() -> None:
    provider = ScriptedProvider(resends_answers(), refused_keys=["re_old"])
    account = an_account("resend", **RESEND | {"hook_api_key": "re_old", "hook_api_key_previous": "re_1"})

    delivery = completed(account, a_resend_event(to=[TOKEN], cc=["help@shop.example"]), provider)

    ((address, message),) = messages_in(delivery)
    assert (address, message.provider_id, message.conversation_id) == (
        "help@shop.example",
        "<1@example.org>",
        CONVERSATION,
    )
    assert provider.asked[-1] == "/raw/1"


def test_other_news_of_resend_is_ignored_by_name() -> None:
    posted = a_post(b'{"type": "email.bounced", "data": {}}')

    delivery = completed(an_account("resend", **RESEND), posted, ScriptedProvider({}))

    assert (delivery.mails, delivery.ignored) == ([], ["resend:email.bounced"])


def test_an_id_that_is_a_path_and_a_link_to_elsewhere_are_not_followed() -> None:
    account = an_account("resend", **RESEND)
    elsewhere = {
        path: answer.replace(b"inbound-cdn.resend.com", b"10.0.0.1") for path, answer in resends_answers().items()
    }

    with pytest.raises(UnreadablePayload):
        completed(account, a_resend_event(email_id="../../domains"), ScriptedProvider(resends_answers()))
    with pytest.raises(MediaRefused):
        completed(account, a_resend_event(), ScriptedProvider(elsewhere))


def test_a_hook_that_only_names_its_mail_cannot_be_read_before_it_was_fetched() -> None:
    with pytest.raises(UnreadablePayload, match="fetched first"):
        hooks.parse(an_account("resend", **RESEND), a_resend_event())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"hook_provider": "pigeon"}, "hook_provider"),
        ({"hook_provider": "mailgun", "hook_key": ""}, "hook_key"),
        ({"hook_provider": "mailgun", "hook_key": "short"}, "hook_key"),
        ({"hook_provider": "postmark", "hook_key": "a long key without a user"}, "hook_key"),
        ({"hook_provider": "ses"}, "hook_topic"),
        ({"hook_provider": "resend"}, "hook_api_key"),
    ],
)
def test_a_hook_that_could_not_work_is_refused_with_its_setting(settings: dict[str, str], named: str) -> None:
    with pytest.raises(AccountInvalid, match=named):
        check_definition(an_account(**{"provider": settings["hook_provider"]} | settings))


def test_without_a_provider_there_is_no_hook_and_e_mail_is_in_the_table() -> None:
    webhook = CHANNELS["email"].webhook

    assert Hook.read({}) is None
    assert webhook is not None
    assert (webhook.verify, webhook.complete, webhook.parse) == (hooks.verify, hooks.complete, hooks.parse)
