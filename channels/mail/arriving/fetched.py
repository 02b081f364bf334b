"""Mail that a hook only names, or that came in an envelope to be checked by asking: SES through SNS, and Resend."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from application.exchange.media import Get, MediaRefused
from channels.edge.payload import Posted, SignatureWrong, UnreadablePayload, a_dict, a_text, read_json
from channels.mail.arriving.proofs import demand_sns
from channels.mail.arriving.settings import Hook

RECIPIENTS_HEADER = "onethread-envelope-recipient"
"""Whom the envelope names, comma-separated: so does raw mail say it that needs no more fetching."""
IGNORED_HEADER = "onethread-ignored"
RESEND_HOSTS = (".resend.com", ".cloudfront.net")
"""Where Resend keeps raw mail; the links are signed and short-lived."""

_SNS_HOST = re.compile(r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?")
_RESEND_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def demand_topic(posted: Posted, topic: str) -> dict[str, Any]:
    """The SNS message, if it is of our topic. Raises SignatureWrong."""
    try:
        message = a_dict(read_json(posted.raw))
    except UnreadablePayload as error:
        raise SignatureWrong(f"this is no message of SNS: {error}") from None
    if not message.get("TopicArn") or message.get("TopicArn") != topic:
        raise SignatureWrong("settings.hook_topic: the message is of another topic")
    return message


async def ses_mail(hook: Hook, posted: Posted, get: Get) -> Posted:
    """The raw mail out of a notification of SES, once its signature has been checked with SNS's certificate.

    A subscription to our topic is confirmed, which is all that its message is for.
    Raises SignatureWrong, UnreadablePayload, MediaRefused.
    """
    message = demand_topic(posted, hook.topic)
    certificate = await get(_sns_url(message.get("SigningCertURL")), hosts=(".amazonaws.com", ".amazonaws.com.cn"))
    demand_sns(message, certificate.body, at=posted.received_at)
    kind = a_text(message.get("Type"))
    if kind == "SubscriptionConfirmation":
        await get(_sns_url(message.get("SubscribeURL")), hosts=(".amazonaws.com", ".amazonaws.com.cn"))
    if kind != "Notification":
        return _ignored(posted, f"ses:{kind}")
    told = a_dict(read_json(a_text(message.get("Message")).encode("utf-8", "replace")))
    if (sort := a_text(told.get("notificationType")) or a_text(told.get("eventType"))) != "Received":
        return _ignored(posted, f"ses:{sort or 'test'}")
    receipt = a_dict(told.get("receipt"))
    return _raw_mail(posted, _ses_content(told, a_dict(receipt.get("action"))), receipt.get("recipients"))


def _ses_content(told: dict[str, Any], action: dict[str, Any]) -> bytes:
    """Raises UnreadablePayload."""
    content = told.get("content")
    if not isinstance(content, str):
        if action.get("type") == "S3":
            place = f"s3://{a_text(action.get('bucketName'))}/{a_text(action.get('objectKey'))}"
            raise UnreadablePayload(
                "Message.content", f"the mail lies in {place}; give the receipt rule an SNS action with the content"
            )
        raise UnreadablePayload("Message.content", "missing: give the receipt rule an SNS action with the content")
    if a_text(action.get("encoding")).upper() != "BASE64":
        return content.encode("utf-8", "replace")
    try:
        return b64decode(content)
    except (NotBase64, ValueError) as error:
        raise UnreadablePayload("Message.content", f"this is no base64: {error}") from None


def _sns_url(url: Any) -> str:
    """The URL, if it is SNS's own. Raises SignatureWrong: anybody may write another one into a message."""
    parts = urlsplit(a_text(url))
    if parts.scheme != "https" or parts.netloc != parts.hostname or not _SNS_HOST.fullmatch(parts.netloc):
        raise SignatureWrong("the message names an address that is not SNS's")
    return a_text(url)


async def resend_mail(hook: Hook, posted: Posted, get: Get) -> Posted:
    """The raw mail that Resend's hook names, asked for by its id.

    Raises UnreadablePayload, MediaRefused.
    """
    event = a_dict(read_json(posted.raw))
    if (kind := a_text(event.get("type"))) != "email.received":
        return _ignored(posted, f"resend:{kind}")
    told = a_dict(event.get("data"))
    email_id = a_text(told.get("email_id"))
    if not _RESEND_ID.fullmatch(email_id):
        raise UnreadablePayload("data.email_id", "missing or no id of Resend's")
    answer = await _asked(hook, f"{hook.api_url}/emails/receiving/{email_id}", get)
    link = a_text(a_dict(a_dict(read_json(answer)).get("raw")).get("download_url"))
    if not link:
        raise UnreadablePayload("raw.download_url", "Resend has no raw mail for this id")
    mail = await get(link, hosts=(*RESEND_HOSTS, urlsplit(hook.api_url).hostname or ""))
    named = [one for name in ("to", "cc", "bcc") for one in _texts(told.get(name))]
    return _raw_mail(posted, mail.body, named)


async def _asked(hook: Hook, url: str, get: Get) -> bytes:
    """Raises MediaRefused where no key of the account is let in."""
    hosts = (urlsplit(url).hostname or "",)
    for key in hook.api_keys[:-1]:
        try:
            return (await get(url, hosts=hosts, headers={"Authorization": f"Bearer {key}"})).body
        except MediaRefused:
            continue
    return (await get(url, hosts=hosts, headers={"Authorization": f"Bearer {hook.api_keys[-1]}"})).body


def _texts(value: Any) -> list[str]:
    values: Sequence[Any] = value if isinstance(value, list) else []
    return [one for one in values if isinstance(one, str)]


def _raw_mail(posted: Posted, raw: bytes, recipients: Any) -> Posted:
    headers = {"content-type": "message/rfc822", RECIPIENTS_HEADER: ",".join(_texts(recipients))}
    return replace(posted, raw=raw, headers=headers, query={})


def _ignored(posted: Posted, what: str) -> Posted:
    return replace(posted, raw=b"", headers={"content-type": "message/rfc822", IGNORED_HEADER: what}, query={})
