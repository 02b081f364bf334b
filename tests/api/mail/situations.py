"""Situations of the mail doors: mailbox accounts, mails, and what of them is stored."""

import secrets

from domain.interaction import MessageReceived
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop
from tests.application.situations import everything
from tests.waiting import wait_until

TOKEN_KEY = "a key of at least thirty-two characters"


def a_mailbox(deployment: Deployment, administrator: Caller, **settings: str) -> tuple[Shop, str]:
    """A mailbox account and its address."""
    address = f"help-{secrets.token_hex(4)}@shop.example"
    given = {"token_key": TOKEN_KEY} | settings
    return a_shop(deployment, administrator, channel="email", address=address, settings=given), address


def a_mail(number: int | str, text: str = "Where is my parcel?", to: str = "help@shop.example") -> bytes:
    return (
        f"From: Ana <ana@example.org>\r\nTo: {to}\r\nMessage-ID: <{number}@example.org>\r\n"
        f"Subject: Parcel {number}\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\n{text}\r\n"
    ).encode()


def stored(deployment: Deployment, account_id: str) -> list[MessageReceived]:
    """Every message of the account, in the order of the log."""
    events = [recorded.event for recorded in deployment.run(everything(deployment.parts.log))]
    return [one for one in events if isinstance(one, MessageReceived) and one.account_id == account_id]


def ids(deployment: Deployment, shop: Shop) -> list[str]:
    """The Message-IDs that are stored, without their common end."""
    found = [one.provider_id for one in stored(deployment, shop.account_id)]
    return [one.removeprefix("<").removesuffix("@example.org>") for one in found]


def wait_for(deployment: Deployment, shop: Shop, *expected: str) -> None:
    """Until these are stored, each once, in whatever order."""

    def is_there() -> bool:
        return sorted(ids(deployment, shop)) == sorted(expected)

    wait_until(is_there, what=f"{expected} are stored")
