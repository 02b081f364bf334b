"""WeCom customer service: account settings, verify, parse, send, fetch.

A callback holds no message, only that there are some: `nudge_in` says so, and the poller behind the WeCom door asks
for the pages that `page_request` and `parse` are about.
"""

import re
from typing import Any

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
    a_dict,
    a_text,
    an_identifier,
    dicts,
    read_json,
)
from channels.edge.tencent import CallbackKeys, demand_recent, encrypted_in, open_callback, read_xml
from channels.edge.tencent_api import Access, call, errcode_of, fetch_media, message_of, refused
from channels.edge.wecom_items import read_item
from domain.account import AccountDefinition, AccountInvalid
from domain.interaction import Attachment

API_URL = "https://qyapi.weixin.qq.com"
SYNC_PATH = "/cgi-bin/kf/sync_msg"
PAGE_ITEMS_MAX = 1_000
NUDGE = "kf_msg_or_event"
ACKNOWLEDGEMENT = Acknowledgement(body=b"success")
OWN_MESSAGE_ID = re.compile("[0-9a-zA-Z_-]{1,32}")
"""What WeCom takes as the id of a message; ours without its kind is 32 hexadecimal digits."""
REFUSALS = {
    40_096: Refusal.RECIPIENT_GONE,
    84_061: Refusal.RECIPIENT_GONE,
    45_009: Refusal.RETRY_LATER,
    45_033: Refusal.RETRY_LATER,
    95_001: Refusal.WINDOW_CLOSED,
    95_002: Refusal.WINDOW_CLOSED,
    95_024: Refusal.WINDOW_CLOSED,
}
"""No such customer, no contact any more; calls by the minute, calls at once; more than 5 for a customer's message, more
than 48 hours after it (twice). Only the customer's next message opens the window, so 95001 is no matter of waiting."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer service account needs."""

    open_kfid: str
    """`AccountDefinition.address`: the customer service account, as in `wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q`."""
    keys: CallbackKeys
    """Settings `token`, `encoding_aes_key` (each with a `_previous`) and `corp_id`."""
    access: Access
    """Settings `secret` (of the customer service, not of another app of the corp) and `api_url`."""


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing or wrong."""
    given, keys = definition.settings, CallbackKeys.read(definition, "corp_id")
    if not definition.address:
        raise AccountInvalid("address: a wecom account needs its open_kfid")
    if not given.get("secret"):
        raise AccountInvalid("settings.secret: a wecom account needs it, to ask for its messages too")
    api_url = (given.get("api_url") or API_URL).rstrip("/")
    access = Access(api_url=api_url, app=keys.receiver, secret=given["secret"], asks="gettoken")
    return Settings(open_kfid=definition.address, keys=keys, access=access)


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Checks `msg_signature`, that a key opens the callback, that it is for this corp, and that it is new.

    Raises SignatureWrong.
    """
    demand_recent(posted.query.get("timestamp", ""), posted.received_at)
    open_callback(read_settings(definition).keys, posted.query, encrypted_in(posted.raw))


def answer_handshake(definition: AccountDefinition, posted: Posted) -> Acknowledgement:
    """What to answer WeCom's GET with when the callback is set up: `echostr`, opened. Raises SignatureWrong.

    Example: `{"msg_signature": "5c45…", "timestamp": "1409659589", "nonce": "263014780", "echostr": "P9nAzCz…"}`
    → `"1616140317555161061"`
    """
    demand_recent(posted.query.get("timestamp", ""), posted.received_at)
    echo = open_callback(read_settings(definition).keys, posted.query, posted.query.get("echostr", ""))
    return Acknowledgement(body=echo)


class Nudge(msgspec.Struct, frozen=True, kw_only=True):
    """A callback's news: this customer service account has something new."""

    open_kfid: str
    token: str
    """Good for ten minutes; to ask with it is not rate-limited."""


def nudge_in(definition: AccountDefinition, posted: Posted) -> Nudge | None:
    """The nudge in a callback that was verified; None where it is about anything else.

    Raises UnreadablePayload.

    Example, once it is opened: `<xml><MsgType>event</MsgType><Event>kf_msg_or_event</Event>
    <Token>ENCApHxnGDNAVNY4AaSJKj4T</Token><OpenKfId>wkxx</OpenKfId></xml>`
    """
    fields = _callback(definition, posted)
    if fields.get("Event") != NUDGE:
        return None
    return Nudge(open_kfid=an_identifier(fields.get("OpenKfId")), token=fields.get("Token", ""))


def _callback(definition: AccountDefinition, posted: Posted) -> dict[str, str]:
    try:
        opened = read_settings(definition).keys.opened(encrypted_in(posted.raw))
    except SignatureWrong as error:
        raise UnreadablePayload("Encrypt", str(error)) from None
    return read_xml(opened)


def page_request(definition: AccountDefinition, cursor: str, token: str) -> dict[str, Any]:
    """What to ask `SYNC_PATH` for the next page; without a cursor it begins three days ago.

    Example: `{"open_kfid": "wkxx", "cursor": "4gw7Me", "token": "ENCApHx", "limit": 1000, "voice_format": 0}`
    """
    body = {"open_kfid": definition.address, "limit": PAGE_ITEMS_MAX, "voice_format": 0}
    return body | {name: value for name, value in (("cursor", cursor), ("token", token)) if value}


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """Of a callback nothing but that it was a nudge; of a page everything: messages, echoes, failures.

    Raises UnreadablePayload.

    Example of a page: `{"errcode": 0, "next_cursor": "4gw7Me", "has_more": 0, "msg_list": [{"msgid": "m1",
    "open_kfid": "wkxx", "external_userid": "wmxx", "send_time": 1615478585, "origin": 3, "msgtype": "text",
    "text": {"content": "你好"}}]}`
    """
    delivery = Delivery()
    if not posted.raw.lstrip().startswith(b"{"):
        event = an_identifier(_callback(definition, posted).get("Event"))
        delivery.ignored.append("nudge" if event == NUDGE else f"event:{event}")
        return delivery
    page = a_dict(read_json(posted.raw))
    if not isinstance(page.get("msg_list"), list):
        raise UnreadablePayload("msg_list", "a page has a list here")
    for item in dicts(page["msg_list"]):
        address = an_identifier(item.get("open_kfid")) or an_identifier(a_dict(item.get("event")).get("open_kfid"))
        read_item(item, address or definition.address, delivery, posted.received_at)
    return delivery


async def send(definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
    """Hands a text or a file to `kf/send_msg`: for 48 hours after the customer's last message, 5 for each.

    Our own id goes with it as `msgid`, so that a failure that is told later names it even if no answer came.

    Example: `{"touser": "wmxx", "open_kfid": "wkxx", "msgid": "0193…", "msgtype": "text", "text": {"content": "你好"}}`
    → `{"errcode": 0, "errmsg": "ok", "msgid": "0193…"}`
    """
    settings, own_id = read_settings(definition), reply.message_id.rpartition("-")[2]
    if isinstance(content := await message_of(reply, client, settings.access, REFUSALS), Rejected):
        return content
    body = {"touser": reply.handle, "open_kfid": settings.open_kfid, **content}
    if OWN_MESSAGE_ID.fullmatch(own_id):
        body["msgid"] = own_id
    answer = await call(client, settings.access, "/cgi-bin/kf/send_msg", body)
    if not isinstance(answer, dict):
        return answer
    if errcode_of(answer):
        return refused(answer, REFUSALS)
    return Accepted(provider_id=a_text(answer.get("msgid")) or own_id)


async def fetch(definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
    """The bytes of a file by its media id, which lives for three days. Raises MediaRefused."""
    return await fetch_media(read_settings(definition).access, attachment.reference, get)
