"""WeChat Official Account in safe mode: account settings, verify, parse, send, fetch.

One message a delivery, as XML inside AES inside XML. Plain mode is refused: its signature does not cover the body.
"""

import hashlib

import httpx
import msgspec

from application.exchange.media import Fetched, Get
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected
from channels.edge.payload import (
    Acknowledgement,
    Delivery,
    Posted,
    SignatureWrong,
    UnreadablePayload,
    an_identifier,
    at_second,
)
from channels.edge.tencent import CallbackKeys, demand_recent, encrypted_in, open_callback, read_xml
from channels.edge.tencent_api import Access, call, errcode_of, fetch_media, message_of, refused
from channels.edge.wechat_content import content_of, content_of_event
from domain.account import AccountDefinition, AccountInvalid
from domain.intake import InboundMessage
from domain.interaction import Attachment

API_URL = "https://api.weixin.qq.com"
ACKNOWLEDGEMENT = Acknowledgement(body=b"success")
"""Within 5 seconds; after anything else WeChat tells the customer that the account is out of order."""
REFUSALS = {
    40_003: Refusal.RECIPIENT_GONE,
    43_004: Refusal.RECIPIENT_GONE,
    43_019: Refusal.RECIPIENT_GONE,
    50_005: Refusal.RECIPIENT_GONE,
    45_009: Refusal.RETRY_LATER,
    45_011: Refusal.RETRY_LATER,
    45_015: Refusal.WINDOW_CLOSED,
    45_047: Refusal.WINDOW_CLOSED,
}
"""Not this account's follower, follows no more, on our black list, unfollowed; the day's or minute's quota; 48 hours
are over or unfollowed; too many since the customer's last message. The last is no matter of waiting: the customer must
write."""
LEFT = frozenset({43_004, 50_005})
"""The customer follows no more. 43019 is another thing: the account has them on a black list of its own."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an Official Account needs."""

    address: str
    """`AccountDefinition.address`: the account's original id, as in `gh_123456789abc`."""
    keys: CallbackKeys
    """Settings `token`, `encoding_aes_key` (each with a `_previous`) and `app_id`."""
    access: Access
    """Settings `app_secret` (without one it only receives) and `api_url`."""


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing or wrong."""
    if not definition.address:
        raise AccountInvalid("address: a wechat account needs its original id, as in gh_123456789abc")
    given, keys = definition.settings, CallbackKeys.read(definition, "app_id")
    api_url = (given.get("api_url") or API_URL).rstrip("/")
    access = Access(api_url=api_url, app=keys.receiver, secret=given.get("app_secret", ""), asks="stable_token")
    return Settings(address=definition.address, keys=keys, access=access)


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Checks `msg_signature`, that a key opens the message, that it is for this app, and that it is new.

    Raises SignatureWrong, also for plain mode and for a signed time more than 5 minutes from ours.
    """
    demand_recent(posted.query.get("timestamp", ""), posted.received_at)
    open_callback(read_settings(definition).keys, posted.query, encrypted_in(posted.raw))


def answer_handshake(definition: AccountDefinition, posted: Posted) -> Acknowledgement:
    """What to answer WeChat's GET with when the server is set up: `echostr` as it is. Raises SignatureWrong.

    Example: `{"signature": "<40 hex>", "timestamp": "1409659589", "nonce": "263014780", "echostr": "5837…"}`
    """
    query = posted.query
    signed = (query.get("timestamp", ""), query.get("nonce", ""))
    demand_recent(signed[0], posted.received_at)
    read_settings(definition).keys.demand_signature(query.get("signature", ""), *signed)
    return Acknowledgement(body=query.get("echostr", "").encode())


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """The message or event in it. Kinds it does not know become `unsupported`; news of no concern are ignored.

    The signature was checked when it came, and its token may have been rolled since. Raises UnreadablePayload.

    Example, once it is opened: `<xml><ToUserName>gh_1</ToUserName><FromUserName>oA1</FromUserName>
    <CreateTime>1348831860</CreateTime><MsgType>text</MsgType><Content>你好</Content><MsgId>123</MsgId></xml>`
    """
    try:
        raw = read_settings(definition).keys.opened(encrypted_in(posted.raw))
    except SignatureWrong as error:
        raise UnreadablePayload("Encrypt", str(error)) from None
    fields = read_xml(raw)
    if not fields.get("MsgType"):
        raise UnreadablePayload("MsgType", "a WeChat message has one")
    delivery = Delivery()
    content = content_of_event(fields) if fields["MsgType"] == "event" else content_of(fields)
    if content is None:
        delivery.ignored.append(f"event:{an_identifier(fields.get('Event'))}")
        return delivery
    message = InboundMessage(
        provider_id=_provider_id(fields, raw),
        handle=an_identifier(fields.get("FromUserName")) or "unknown",
        content=content,
        occurred_at=at_second(fields.get("CreateTime"), received_at=posted.received_at),
        kind="event" if fields["MsgType"] == "event" else "message",
    )
    delivery.messages.append((an_identifier(fields.get("ToUserName")), message))
    return delivery


def _provider_id(fields: dict[str, str], raw: bytes) -> str:
    """Messages have an id of 64 bits; events are told apart by who, when, what and which button."""
    if fields["MsgType"] != "event":
        return an_identifier(fields.get("MsgId")) or f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return an_identifier(":".join(fields.get(name, "") for name in ("FromUserName", "CreateTime", "Event", "EventKey")))


async def send(definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
    """Hands a text or a file to the customer-service call.

    For 48 hours after the customer's last message, about 5 for each. WeChat gives no id back and reports nothing, so
    our own id stands for the provider's.

    Example: `{"touser": "oA1", "msgtype": "text", "text": {"content": "你好"}}` → `{"errcode": 0, "errmsg": "ok"}`
    """
    access = read_settings(definition).access
    if isinstance(content := await message_of(reply, client, access, REFUSALS), Rejected):
        return content
    answer = await call(client, access, "/cgi-bin/message/custom/send", {"touser": reply.handle, **content})
    if not isinstance(answer, dict):
        return answer
    return refused(answer, REFUSALS, LEFT) if errcode_of(answer) else Accepted(provider_id=reply.message_id)


async def fetch(definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
    """The bytes of a picture, voice or video by its media id, which lives for three days. Raises MediaRefused."""
    return await fetch_media(read_settings(definition).access, attachment.reference, get)
