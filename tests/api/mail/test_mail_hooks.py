"""A provider's hook posts raw mail to a mailbox account: taken once, in the conversation that its recipient proves."""

import hashlib
import hmac
import secrets

import httpx

from channels.mail.threads import reply_address
from tests.api.deployment import Caller, Deployment
from tests.api.mail.situations import TOKEN_KEY, a_mail, a_mailbox, ids, stored, wait_for
from tests.api.situations import Shop

MAILGUN_KEY = "a signing key of Mailgun's"


def posted_by_mailgun(
    deployment: Deployment, shop: Shop, mail: bytes, recipient: str, *, key: str = MAILGUN_KEY
) -> httpx.Response:
    timestamp, token = str(int(deployment.parts.clock().timestamp())), secrets.token_hex(25)
    signature = hmac.new(key.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
    fields = {"timestamp": timestamp, "token": token, "signature": signature, "recipient": recipient}
    return deployment.http.post(
        f"/v1/webhooks/email/{shop.account_id}", data=fields | {"body-mime": mail.decode()}, files={"none": b""}
    )


def test_mail_that_a_provider_posts_is_stored_once_and_answers_find_their_conversation(
    mail_deployment: Deployment, mail_administrator: Caller
) -> None:
    shop, address = a_mailbox(mail_deployment, mail_administrator, hook_provider="mailgun", hook_key=MAILGUN_KEY)

    for _ in range(2):
        assert posted_by_mailgun(mail_deployment, shop, a_mail("hook", "Grüße 😀"), address).is_success
    wait_for(mail_deployment, shop, "hook")
    (first,) = stored(mail_deployment, shop.account_id)
    token = reply_address(first.conversation_id, domain="shop.example", key=TOKEN_KEY.encode())
    assert posted_by_mailgun(mail_deployment, shop, a_mail("answer"), token).is_success
    wait_for(mail_deployment, shop, "hook", "answer")

    found = stored(mail_deployment, shop.account_id)
    assert found[0].content.text.strip() == "Grüße 😀"
    assert {one.conversation_id for one in found} == {first.conversation_id}


def test_mail_that_somebody_else_posts_is_refused(mail_deployment: Deployment, mail_administrator: Caller) -> None:
    shop, address = a_mailbox(mail_deployment, mail_administrator, hook_provider="mailgun", hook_key=MAILGUN_KEY)

    refused = posted_by_mailgun(mail_deployment, shop, a_mail("forged"), address, key="a key of somebody else")

    assert refused.status_code == 401
    assert ids(mail_deployment, shop) == []
