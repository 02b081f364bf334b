"""A mail's markup over HTTP: sanitised, with a policy, and only for those who may read the customer."""

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop

MAIL = (
    b"From: Ana <ana.markup@example.org>\r\nMessage-ID: <markup@example.org>\r\nContent-Type: text/html\r\n\r\n"
    b'<p onclick="x()">Hi<script>x()</script><img src="https://t.example/1.gif"></p>'
)


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"token_key": "a key of at least thirty-two characters"}
    return a_shop(deployment, administrator, channel="email", address="markup@shop.example", settings=settings)


def test_markup_is_shown_sanitised_to_those_who_may_read_the_customer(mailbox: Shop, supervisor: Caller) -> None:
    path = f"/v1/accounts/{mailbox.account_id}/mail"
    taken = mailbox.adapter.ask("POST", path, content=MAIL, headers={"Content-Type": "message/rfc822"}).json()
    messages = f"/v1/customers/{taken['customer_id']}/messages"

    shown = supervisor.get(f"{messages}/{taken['position']}/html")
    stranger = mailbox.agent(is_available=False).get(f"{messages}/{taken['position']}/html")
    others = [
        supervisor.get(f"{messages}/{one}/html").status_code for one in ("1", "x", str(taken["position"] + 9_999))
    ]

    assert (shown.status_code, shown.text) == (200, '<p>Hi<img data-remote-src="https://t.example/1.gif"></p>')
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    assert (stranger.status_code, others) == (404, [404, 404, 404])
