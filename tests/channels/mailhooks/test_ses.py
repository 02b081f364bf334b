"""Amazon SES through SNS: topic, password and signature all count, and only SNS's own addresses are asked."""

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from channels.edge.payload import Delivery, Posted, SignatureWrong, UnreadablePayload
from channels.mail.arriving import hooks
from tests.channels.mailhooks.situations import BASIC, MAIL, NOON, ScriptedProvider, a_post, an_account, messages_in

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
ACCOUNT = an_account("ses", hook_topic=TOPIC)
CERTIFICATE = "/SimpleNotificationService-0123.pem"
SUBSCRIBE = "https://sns.eu-west-1.amazonaws.com/subscribe?Action=ConfirmSubscription&Token=t"
# The order in which Amazon SNS documents the signed fields, written down here a second time.
NOTIFIED = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
CONFIRMED = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]


@cache
def keys() -> tuple[rsa.RSAPrivateKey, bytes]:
    """SNS's key and its certificate, made here."""
    key = rsa.generate_private_key(65_537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, NOON - timedelta(days=1), NOON + timedelta(days=1))
    return key, built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def signed(message: dict[str, Any], names: list[str], version: str = "2") -> dict[str, Any]:
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303  # version 1 is so
    signature = keys()[0].sign(text.encode(), padding.PKCS1v15(), algorithm)
    return message | {"SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}


def a_notification(told: dict[str, Any], version: str = "2", **changes: str) -> dict[str, Any]:
    message = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Receipt Notification 😀",
        "Message": json.dumps(told),
        "Timestamp": "2026-11-21T12:00:00.000Z",
        "SigningCertURL": f"https://sns.eu-west-1.amazonaws.com{CERTIFICATE}",
    }
    return signed(message | changes, NOTIFIED, version)


def a_confirmation(**changes: str) -> dict[str, Any]:
    message = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "Token": "t",
        "TopicArn": TOPIC,
        "Message": "You have chosen to subscribe to the topic.",
        "SubscribeURL": SUBSCRIBE,
        "Timestamp": "2026-11-21T12:00:00.000Z",
        "SigningCertURL": f"https://sns.eu-west-1.amazonaws.com{CERTIFICATE}",
    }
    return signed(message | changes, CONFIRMED)


def a_mail(content: str | None, **action: str) -> dict[str, Any]:
    told = {
        "notificationType": "Received",
        "mail": {"messageId": "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1"},
        "receipt": {"recipients": ["help@shop.example"], "action": {"type": "SNS", "topicArn": TOPIC} | action},
    }
    return told if content is None else told | {"content": content}


def posted_of(message: dict[str, Any]) -> Posted:
    return a_post(json.dumps(message).encode(), "text/plain; charset=UTF-8", authorization=BASIC)


def taken(message: dict[str, Any]) -> tuple[Delivery, list[str]]:
    """What it brings, and what SNS was asked for."""
    provider = ScriptedProvider({CERTIFICATE: keys()[1], "/subscribe": b"<ConfirmSubscriptionResponse/>"})
    posted = posted_of(message)
    hooks.verify(ACCOUNT, posted)

    async def run() -> Delivery:
        async with provider.serving():
            return hooks.parse(ACCOUNT, await hooks.complete(ACCOUNT, posted, provider.get))

    return asyncio.run(run()), provider.asked


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    "told",
    [a_mail(base64.b64encode(MAIL).decode(), encoding="BASE64"), a_mail(MAIL.decode(), encoding="UTF-8")],
)
def test_a_signed_notification_brings_its_mail(version: str, told: dict[str, Any]) -> None:
    delivery, _ = taken(a_notification(told, version))

    ((address, message),) = messages_in(delivery)
    assert (address, message.provider_id, message.content.text.strip()) == (
        "help@shop.example",
        "<1@example.org>",
        "Wo ist es? 😀",
    )


def test_a_subscription_to_our_topic_is_confirmed_once_its_signature_is_right() -> None:
    delivery, asked = taken(a_confirmation())

    assert delivery.ignored == ["ses:SubscriptionConfirmation"]
    assert asked == [CERTIFICATE, "/subscribe"]


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/subscribe",
        "https://sns.eu-west-1.amazonaws.com.evil.example/subscribe",
        "https://s3.eu-west-1.amazonaws.com/subscribe",
        "https://sns.eu-west-1.amazonaws.com@evil.example/subscribe",
        "https://sns.eu-west-1.amazonaws.com:8443/subscribe",
        "",
    ],
)
def test_only_addresses_of_sns_are_asked(url: str) -> None:
    with pytest.raises(SignatureWrong):
        taken(a_confirmation(SubscribeURL=url))
    with pytest.raises(SignatureWrong):
        taken(a_notification(a_mail(""), SigningCertURL=url))


@pytest.mark.parametrize(
    "change",
    [
        lambda message: message | {"Message": message["Message"] + " "},
        lambda message: message | {"Signature": "AAAA"},
        lambda message: message | {"Signature": None},
        lambda message: message | {"SignatureVersion": "3"},
        lambda message: message | {"TopicArn": TOPIC + "s"},
        lambda message: {name: value for name, value in message.items() if name != "TopicArn"},
        lambda message: message | {"Type": "SubscriptionConfirmation", "SubscribeURL": SUBSCRIBE},
    ],
)
def test_anything_else_than_what_sns_signed_is_refused(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    with pytest.raises(SignatureWrong):
        taken(change(a_notification(a_mail(MAIL.decode()))))


def test_another_password_and_another_body_are_refused_before_anybody_is_asked() -> None:
    for posted in (
        a_post(posted_of(a_notification(a_mail(""))).raw),
        a_post(b"[]", authorization=BASIC),
        a_post(b"not JSON", authorization=BASIC),
    ):
        with pytest.raises(SignatureWrong):
            hooks.verify(ACCOUNT, posted)


def test_a_mail_that_lies_in_s3_says_where_and_what_to_do() -> None:
    with pytest.raises(UnreadablePayload, match=r"s3://mail/o3vr.*SNS action"):
        taken(a_notification(a_mail(None, type="S3", bucketName="mail", objectKey="o3vr")))


@pytest.mark.parametrize("told", [{"notificationType": "Bounce"}, {"eventType": "Open"}, {}])
def test_other_news_of_ses_is_ignored_by_name(told: dict[str, Any]) -> None:
    delivery, _ = taken(a_notification(told))

    assert delivery.ignored == [f"ses:{next(iter(told.values()), 'test')}"]
