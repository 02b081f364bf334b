"""How each provider proves that a hook's request is its own. All raise SignatureWrong."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from channels.edge.payload import Posted, SignatureWrong, a_text

SVIX_SKEW_MAX = timedelta(minutes=5)
"""What Svix's own libraries allow; each attempt is signed anew."""
MAILGUN_SKEW_MAX = timedelta(hours=12)
"""Mailgun tries again for eight hours, and does not promise to sign each attempt anew."""
SNS_SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SNS_SIGNED_OF_NOTIFICATIONS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


def demand_password(posted: Posted, keys: Iterable[str]) -> None:
    """Basic authentication as it stands in the hook's URL, `https://user:password@…`; any of the keys will do."""
    scheme, _, given = posted.headers.get("authorization", "").partition(" ")
    expected = [b64encode(key.encode()) for key in keys]
    if scheme.lower() != "basic" or not _is_any(given.strip().encode("utf-8", "replace"), expected):
        raise SignatureWrong("the user or the password of the hook is wrong")


def demand_mailgun(form: Mapping[str, bytes], keys: Iterable[str], *, at: datetime) -> None:
    """HMAC-SHA256 over timestamp and token, as hex (Mailgun, "Securing webhooks").

    It covers neither the mail nor the recipient, so the hook must be https.
    """
    timestamp, token = form.get("timestamp", b""), form.get("token", b"")
    expected = [hmac.new(key.encode(), timestamp + token, hashlib.sha256).hexdigest().encode() for key in keys]
    if not token or not _is_any(form.get("signature", b""), expected):
        raise SignatureWrong("the signature does not fit timestamp and token")
    _demand_recent(timestamp, at=at, skew_max=MAILGUN_SKEW_MAX)


def demand_svix(posted: Posted, keys: Iterable[str]) -> None:
    """HMAC-SHA256 over id, timestamp and body; the header holds one or several, as in `v1,rAvf… v1,9bXp…` (Svix)."""
    headers = posted.headers
    message_id, timestamp = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    signed = f"{message_id}.{timestamp}.".encode() + posted.raw
    expected = [
        b"v1," + b64encode(hmac.new(_bytes(key.removeprefix("whsec_")), signed, hashlib.sha256).digest())
        for key in keys
    ]
    given = headers.get("svix-signature", "").split(" ")[:20]
    if not message_id or not any(_is_any(one.encode("utf-8", "replace"), expected) for one in given):
        raise SignatureWrong("the Svix signature does not fit the body")
    _demand_recent(timestamp.encode("utf-8", "replace"), at=posted.received_at, skew_max=SVIX_SKEW_MAX)


def demand_sendgrid(posted: Posted, public_keys: Sequence[str]) -> None:
    """ECDSA with SHA-256 over timestamp and body (Twilio SendGrid, "Securing your Inbound Parse webhooks")."""
    timestamp = posted.headers.get("x-twilio-email-event-webhook-timestamp", "")
    signature = _bytes(posted.headers.get("x-twilio-email-event-webhook-signature", ""))
    for public_key in public_keys:
        try:
            key = load_der_public_key(_bytes(public_key))
            if isinstance(key, ec.EllipticCurvePublicKey):
                signed = timestamp.encode("utf-8", "replace") + posted.raw
                key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
                return
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            continue
    raise SignatureWrong("the signature does not fit timestamp and body")


def demand_sns(message: Mapping[str, Any], certificate: bytes, *, at: datetime) -> None:
    r"""RSA over the fields that stand for the message (Amazon SNS, "Verifying the signatures of messages").

    `SignatureVersion` 1 is with SHA-1, 2 with SHA-256. Example of what is signed: `"Message\nHi\nMessageId\n22b8…\n…"`
    """
    is_notification = message.get("Type") == "Notification"
    names = SNS_SIGNED_OF_NOTIFICATIONS if is_notification else SNS_SIGNED
    signed = "".join(f"{name}\n{message[name]}\n" for name in names if isinstance(message.get(name), str))
    algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}.get(a_text(message.get("SignatureVersion")))  # noqa: S303 - SNS's
    try:
        read = x509.load_pem_x509_certificate(certificate)
        key = read.public_key()
        if algorithm is None or not isinstance(key, rsa.RSAPublicKey):
            raise SignatureWrong("this version of SNS signatures is unknown")
        if not read.not_valid_before_utc <= at <= read.not_valid_after_utc:
            raise SignatureWrong("the certificate of the signature has run out")
        signature = _bytes(a_text(message.get("Signature")))
        key.verify(signature, signed.encode("utf-8", "replace"), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        raise SignatureWrong("the SNS signature does not fit the message") from None


def _demand_recent(timestamp: bytes, *, at: datetime, skew_max: timedelta) -> None:
    try:
        signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise SignatureWrong("the timestamp is none") from None
    if abs(at - signed_at) > skew_max:
        raise SignatureWrong(f"the signature is more than {skew_max} away from our clock")


def _is_any(given: bytes, expected: Sequence[bytes]) -> bool:
    return any(hmac.compare_digest(one, given) for one in expected)


def _bytes(text: str) -> bytes:
    """From base64; nothing where it is none, which fits no signature."""
    try:
        return b64decode(text)
    except (NotBase64, ValueError):
        return b""
