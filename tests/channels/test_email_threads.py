"""E-mail: which conversation a mail belongs to, and by which rule."""

from datetime import UTC, datetime

import pytest

from channels.email import Mail, parse
from channels.mail.threads import (
    Rule,
    conversation_of_message_id,
    conversation_of_token,
    own_message_id,
    reply_address,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY, OLD_KEY, OTHER_KEY = b"k" * 32, b"o" * 32, b"x" * 32
CONVERSATION = "conversation-0193a7c2b3c4d5e6f708192a3b4c5d6e"
MESSAGE = "message-0193a7c2b3c4d5e6f708192a3b4c5d6f"
TOKEN = reply_address(CONVERSATION, domain="shop.example", key=KEY)
OURS = own_message_id(CONVERSATION, MESSAGE, domain="shop.example", key=KEY)


def read(*lines: str) -> Mail:
    raw = "\r\n".join(["From: ana@example.org", "Message-ID: <own@x>", *lines, "", "Hello"]).encode()
    return parse(raw, received_at=NOON, token_keys=(KEY, OLD_KEY))


@pytest.mark.parametrize(
    ("lines", "rule", "thread", "about"),
    [
        ((), Rule.NEW, "<own@x>", ""),
        (("In-Reply-To: <a@x>",), Rule.IN_REPLY_TO, "<a@x>", "<a@x>"),
        (("References: <r@x> <a@x>", "In-Reply-To: <a@x>"), Rule.REFERENCES, "<r@x>", "<a@x>"),
        (("References: <r@x>\r\n\t<a@x>",), Rule.REFERENCES, "<r@x>", "<a@x>"),
        (("In-Reply-To: <>",), Rule.NEW, "<own@x>", ""),
        (("In-Reply-To: Your mail of Monday",), Rule.NEW, "<own@x>", ""),
        (("To: waider@waider.ie", "In-Reply-To: <Waider@waider.ie>"), Rule.NEW, "<own@x>", ""),
    ],
)
def test_a_mail_joins_the_thread_it_names(lines: tuple[str, ...], rule: Rule, thread: str, about: str) -> None:
    mail = read(*lines)

    assert (mail.rule, mail.message.thread, mail.message.content.about) == (rule, thread, about)
    assert mail.message.conversation_id == ""


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered-To", "X-Original-To"])
def test_our_reply_token_proves_the_conversation_wherever_it_turns_up(header: str) -> None:
    mail = read(f"{header}: Shop <{TOKEN}>")

    assert (mail.rule, mail.message.conversation_id) == (Rule.REPLY_ADDRESS, CONVERSATION)


def test_our_message_id_in_the_chain_proves_the_conversation() -> None:
    mail = read(f"References: <r@x> {OURS} <later@x>", "In-Reply-To: <later@x>")

    assert (mail.rule, mail.message.conversation_id, mail.message.thread) == (
        Rule.OWN_MESSAGE_ID,
        CONVERSATION,
        "<r@x>",
    )


def test_a_token_survives_programs_that_change_the_case_of_addresses() -> None:
    assert conversation_of_token([TOKEN.upper()], [KEY]) == CONVERSATION
    assert len(TOKEN.partition("@")[0]) <= 64


def test_tokens_of_the_previous_key_are_still_believed() -> None:
    old = reply_address(CONVERSATION, domain="shop.example", key=OLD_KEY)

    assert conversation_of_token([old], [KEY, OLD_KEY]) == CONVERSATION


@pytest.mark.parametrize(
    "token",
    [
        reply_address(CONVERSATION, domain="shop.example", key=OTHER_KEY),
        TOKEN.replace("0193a7c2", "0193a7c3"),
        TOKEN.replace("@", "a@"),
        "reply+@shop.example",
        "",
    ],
)
def test_a_token_that_is_not_ours_proves_nothing(token: str) -> None:
    assert conversation_of_token([token], [KEY, OLD_KEY]) == ""


@pytest.mark.parametrize(
    "message_id",
    [
        own_message_id(CONVERSATION, MESSAGE, domain="shop.example", key=OTHER_KEY),
        OURS.replace("6f.", "6e."),
        "<a@b>",
        "<>",
    ],
)
def test_a_message_id_that_is_not_ours_proves_nothing(message_id: str) -> None:
    assert conversation_of_message_id(message_id, [KEY, OLD_KEY]) == ""
