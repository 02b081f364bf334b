"""Wherever a person reads a mail, what it quotes can be folded away: they are told what is to be shown first."""

from typing import Any

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop

REPLY = "Yes 👍, on Monday please.\n我在家。"
QUOTE = "> Which day? My card is 4111 1111 1111 1111 😀\n> Ana"


def a_mail(number: int, body: str, *lines: str) -> bytes:
    head = ["From: Ana <ana.folding@example.org>", f"Message-ID: <{number}.folding@example.org>", "Subject: Delivery"]
    head += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    return "\r\n".join([*head, *lines, "", *body.split("\n")]).encode()


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"token_key": "a key of at least thirty-two characters"}
    return a_shop(deployment, administrator, channel="email", address="folding@shop.example", settings=settings)


def bring(shop: Shop, mail: bytes) -> dict[str, Any]:
    headers = {"Content-Type": "message/rfc822"}
    path = f"/v1/accounts/{shop.account_id}/mail"
    taken: dict[str, Any] = shop.adapter.ask("POST", path, content=mail, headers=headers).json()
    return taken


def shown_first(content: dict[str, Any]) -> str:
    """As a screen cuts it."""
    text = content["text"]
    return "\n".join(text[one["start"] : one["end"]].strip() for one in content["kept"])


def test_a_row_of_the_timeline_says_what_to_show_first_and_has_all(mailbox: Shop, supervisor: Caller) -> None:
    taken = bring(mailbox, a_mail(1, f"On Mon, Nov 9, 2026 at 9:12 AM Shop wrote:\n{QUOTE}\n\n{REPLY}"))

    page = supervisor.shown(
        f"/v1/customers/{taken['customer_id']}/timeline", params={"min_position": taken["position"]}
    )

    (content,) = [one["event"]["content"] for one in page["items"] if one["kind"] == "conversation.message_received"]
    assert "4111 11** **** 1111" in content["text"], "masked, in as many characters"
    assert "> Ana" in content["text"]
    assert content["kept_rule"]
    assert shown_first(content) == REPLY


def test_a_card_previews_what_is_new_in_a_mail(mailbox: Shop, supervisor: Caller) -> None:
    first = bring(mailbox, a_mail(2, "Where is it?"))
    answer = f"On Mon, Nov 9, 2026 at 9:12 AM Shop <folding@shop.example> wrote:\n{QUOTE}\n\n{REPLY}"
    taken = bring(mailbox, a_mail(3, answer, "In-Reply-To: <2.folding@example.org>"))

    card = supervisor.shown(f"/v1/conversations/{first['conversation_id']}", params={"min_position": taken["position"]})

    assert taken["conversation_id"] == first["conversation_id"]
    assert card["preview"] == REPLY
