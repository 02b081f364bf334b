"""What providers do before they call a hook: they sign, and Tencent seals. The other side of each `verify`."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from api.demo.shop import AES_KEY, PUBLIC_URL, WEBHOOK_SECRET, WECHAT_APP, WECOM_CORP, WECOM_DESK
from channels.edge.tencent import PADDED_TO_BYTES

SECRET = WEBHOOK_SECRET.encode()


class Hook(NamedTuple):
    """A delivery, ready to be posted."""

    channel: str
    body: bytes
    headers: dict[str, str]
    query: str = ""
    content_type: str = "application/json"
    held_back: tuple[dict[str, Any], ...] = ()
    """What the provider tells only when it is asked."""

    @property
    def path(self) -> str:
        return f"/v1/webhooks/{self.channel}{self.query}"


def by_meta(channel: str, payload: Any) -> Hook:
    """WhatsApp, Messenger and Instagram: HMAC-SHA256 of the body, in hex."""
    body = msgspec.json.encode(payload)
    return Hook(channel, body, {"X-Hub-Signature-256": f"sha256={hmac.digest(SECRET, body, 'sha256').hex()}"})


def by_line(payload: Any) -> Hook:
    """HMAC-SHA256 of the body, in base64."""
    body = msgspec.json.encode(payload)
    return Hook("line", body, {"X-Line-Signature": base64.b64encode(hmac.digest(SECRET, body, "sha256")).decode()})


def by_telegram(payload: Any) -> Hook:
    """A secret that the bot told Telegram; nothing is signed."""
    return Hook("telegram", msgspec.json.encode(payload), {"X-Telegram-Bot-Api-Secret-Token": "demo_secret"})


def by_twilio(fields: Mapping[str, str]) -> Hook:
    """HMAC-SHA1 of the public address and all fields by name, in base64."""
    text = f"{PUBLIC_URL}/v1/webhooks/sms" + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(hmac.digest(SECRET, text.encode(), "sha1")).decode()
    headers = {"X-Twilio-Signature": signature}
    return Hook("sms", urlencode(fields).encode(), headers, content_type="application/x-www-form-urlencoded")


def by_x(payload: Any) -> Hook:
    """HMAC-SHA256 of the body, in base64."""
    body = msgspec.json.encode(payload)
    signature = base64.b64encode(hmac.digest(SECRET, body, "sha256")).decode()
    return Hook("x", body, {"X-Twitter-Webhooks-Signature": f"sha256={signature}"})


def by_wechat(xml: str) -> Hook:
    """Sealed by AES, then signed by SHA-1: safe mode."""
    return _by_tencent("wechat", xml, WECHAT_APP)


def by_wecom(*items: dict[str, Any]) -> Hook:
    """Sealed as WeChat's. It holds no message, only that there is something to ask for."""
    token = secrets.token_hex(8)
    xml = (
        f"<xml><ToUserName>{WECOM_CORP}</ToUserName><MsgType>event</MsgType><Event>kf_msg_or_event</Event>"
        f"<Token>{token}</Token><OpenKfId>{WECOM_DESK}</OpenKfId></xml>"
    )
    return _by_tencent("wecom", xml, WECOM_CORP)._replace(held_back=items)


def _by_tencent(channel: str, xml: str, receiver: str) -> Hook:
    """Within the seal stand 16 random bytes, 4 of length, the message, whom it is for, and padding."""
    key, message = base64.b64decode(AES_KEY + "="), xml.encode()
    plain = secrets.token_bytes(16) + len(message).to_bytes(4) + message + receiver.encode()
    padding = PADDED_TO_BYTES - len(plain) % PADDED_TO_BYTES
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    sealed = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    encrypted = base64.b64encode(sealed).decode()
    timestamp, nonce = str(int(datetime.now(UTC).timestamp())), str(secrets.randbelow(10**9))
    signed = "".join(sorted(("demo", timestamp, nonce, encrypted))).encode()
    signature = hashlib.sha1(signed, usedforsecurity=False).hexdigest()  # Tencent's choice
    query = urlencode({"timestamp": timestamp, "nonce": nonce, "msg_signature": signature, "encrypt_type": "aes"})
    body = f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()
    return Hook(channel, body, {}, f"?{query}", "text/xml")
