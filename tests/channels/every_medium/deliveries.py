"""For every channel with a webhook: a published sample, and a delivery of our own that is signed in the same way."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from channels.edge.payload import Posted
from tests.channels.mailhooks.test_proofs import SVIX_AT, SVIX_HEADERS, SVIX_KEY, svix_post
from tests.channels.posted import posted
from tests.channels.sms.test_sms_signature import FORM, SIGNATURE, URL
from tests.channels.sms.test_sms_signature import signed as signed_form
from tests.channels.wechat.sealed import callback
from tests.channels.wechat.test_wechat_signature import ENCRYPTED_SAMPLE

FOX = b"The quick brown fox jumps over the lazy dog"
WORDS = "Grüße 😀 你好"
JSON_AS_SENT = json.dumps({"text": WORDS}).encode()
"""As providers send it: what is not ASCII is escaped."""
WRITTEN_AGAIN = json.dumps({"text": WORDS}, ensure_ascii=False).encode()


def _meta(signature: str) -> dict[str, str]:
    return {"x-hub-signature-256": f"sha256={signature}"}


def _base64_hmac(key: bytes, raw: bytes) -> str:
    return base64.b64encode(hmac.digest(key, raw, "sha256")).decode()


def _signed_by_meta(raw: bytes) -> Posted:
    return posted(raw, _meta(hmac.digest(b"It's a Secret to Everybody", raw, "sha256").hex()))


def _signed_by_svix(raw: bytes) -> Posted:
    key = base64.b64decode(SVIX_KEY.removeprefix("whsec_"))
    text = f"{SVIX_HEADERS['svix-id']}.{SVIX_HEADERS['svix-timestamp']}.".encode() + raw
    return svix_post(raw, svix_signature=f"v1,{_base64_hmac(key, text)}")


def _tencents_sample() -> Posted:
    raw = f"<xml><ToUserName>wx5823bf96d3bd56c7</ToUserName><Encrypt>{ENCRYPTED_SAMPLE}</Encrypt></xml>".encode()
    query = {"timestamp": "1409659813", "nonce": "1372623149"}
    query["msg_signature"] = "477715d11cdb4164915debcba66cb864d751f3e6"
    return Posted(raw=raw, received_at=datetime.fromtimestamp(1_409_659_813, UTC), query=query)


GITHUBS_SAMPLE = posted(b"Hello, World!", _meta("757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"))
"""Of the header that Meta took over from PubSubHubbub; Meta publishes none."""
TELEGRAM_HEADERS = {"x-telegram-bot-api-secret-token": "Secret-1"}
FOX_BY_KEY = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
"""The HMAC-SHA256 that everybody publishes, of the key `key`."""
FOX_BY_X = f"sha256={base64.b64encode(bytes.fromhex(FOX_BY_KEY)).decode()}"
SAMPLES: dict[str, Posted] = {
    "email": svix_post(at=SVIX_AT),
    "whatsapp": GITHUBS_SAMPLE,
    "messenger": GITHUBS_SAMPLE,
    "instagram": GITHUBS_SAMPLE,
    "telegram": posted(b'{"update_id": 1}', TELEGRAM_HEADERS),
    "line": posted(b"bodybodybodybody", {"x-line-signature": "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k="}),
    "wechat": _tencents_sample(),
    "wecom": _tencents_sample(),
    "x": posted(FOX, {"x-twitter-webhooks-signature": FOX_BY_X}),
    "sms": posted(FORM, {"x-twilio-signature": SIGNATURE}, url=URL),
    "phone": posted(FOX, {"x-signature-256": f"sha256={FOX_BY_KEY}"}),
}
SIGNED_JSON: dict[str, Callable[[bytes], Posted]] = {
    "email": _signed_by_svix,
    "whatsapp": _signed_by_meta,
    "messenger": _signed_by_meta,
    "instagram": _signed_by_meta,
    "line": lambda raw: posted(raw, {"x-line-signature": _base64_hmac(b"channel_secret", raw)}),
    "x": lambda raw: posted(raw, {"x-twitter-webhooks-signature": f"sha256={_base64_hmac(b'key', raw)}"}),
    "phone": lambda raw: posted(raw, {"x-signature-256": f"sha256={hmac.digest(b'key', raw, 'sha256').hex()}"}),
}
"""Signs JSON as the provider does. Telegram signs nothing; Twilio posts forms, Tencent XML."""
WITH_WORDS: dict[str, Posted] = {
    **{channel: sign(JSON_AS_SENT) for channel, sign in SIGNED_JSON.items()},
    "telegram": posted(JSON_AS_SENT, TELEGRAM_HEADERS),
    "wechat": callback(f"<xml><MsgType>text</MsgType><Content>{WORDS}</Content></xml>".encode()),
    "wecom": callback(f"<xml><MsgType>text</MsgType><Content>{WORDS}</Content></xml>".encode()),
    "sms": signed_form([("Body", WORDS), ("AccountSid", "AC1"), ("MessageSid", "SM1")]),
}
"""What a customer wrote with emoji and Chinese characters."""


def with_one_byte_flipped(channel: str) -> Posted:
    """The sample with another byte in its middle; Telegram's in its secret, since that is all that is proven."""
    sample = SAMPLES[channel]
    if channel == "telegram":
        return replace(sample, headers={name: f"{value[:-1]}2" for name, value in sample.headers.items()})
    middle = len(sample.raw) // 2
    return replace(sample, raw=sample.raw[:middle] + bytes([sample.raw[middle] ^ 1]) + sample.raw[middle + 1 :])


def without_proof(channel: str) -> Posted:
    """The sample without its header; Tencent's stands in the query."""
    sample = SAMPLES[channel]
    query = {name: value for name, value in sample.query.items() if name != "msg_signature"}
    return replace(sample, headers={}, query=query)
