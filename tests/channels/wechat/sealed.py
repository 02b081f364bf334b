"""Callbacks as Tencent's servers make them: sealed with the account's key and signed with its token."""

import base64
import hashlib
from datetime import datetime

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from channels.edge.payload import Posted
from domain.account import AccountDefinition
from tests.channels.posted import NOON

TOKEN, AES_KEY, RECEIVER = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7"
"""Of Tencent's published sample."""


def sealed(message: bytes, *, aes_key: str = AES_KEY, receiver: str = RECEIVER) -> str:
    key = base64.b64decode(aes_key + "=")
    plain = b"0123456789abcdef" + len(message).to_bytes(4) + message + receiver.encode()
    padding = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def signed_query(encrypted: str, *, token: str = TOKEN, at: datetime = NOON) -> dict[str, str]:
    timestamp, nonce = str(int(at.timestamp())), "1372623149"
    msg_signature = signature(token, timestamp, nonce, encrypted)
    return {"timestamp": timestamp, "nonce": nonce, "msg_signature": msg_signature, "encrypt_type": "aes"}


def callback(
    message: bytes, *, token: str = TOKEN, aes_key: str = AES_KEY, receiver: str = RECEIVER, at: datetime = NOON
) -> Posted:
    """What is posted to us at noon, signed at `at`."""
    encrypted = sealed(message, aes_key=aes_key, receiver=receiver)
    raw = f"<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()
    return Posted(raw=raw, received_at=NOON, query=signed_query(encrypted, token=token, at=at))


def a_wechat_account(**settings: str) -> AccountDefinition:
    given = {"token": TOKEN, "encoding_aes_key": AES_KEY, "app_id": RECEIVER, "app_secret": "secret"} | settings
    return AccountDefinition(channel="wechat", name="Shop", queue_id="queue-1", address="gh_1", settings=given)


def a_wecom_account(**settings: str) -> AccountDefinition:
    given = {"token": TOKEN, "encoding_aes_key": AES_KEY, "corp_id": RECEIVER, "secret": "secret"} | settings
    return AccountDefinition(channel="wecom", name="Shop", queue_id="queue-1", address="wkxx", settings=given)
