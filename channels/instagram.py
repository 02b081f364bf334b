"""Instagram direct messages: account settings, verify, answer_handshake, parse, send, fetch.

There are two flavours of app. One reaches the account through its Facebook page; the other through Instagram's own
login, with an app secret, a token and a host of its own.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from application.exchange.media import Fetched, Get
from application.exchange.sending import Outcome, Outgoing, OutgoingFile, Refusal, Rejected
from channels.edge.graph import API_URL, GraphAccess, post_message
from channels.edge.payload import Acknowledgement, Delivery, Posted
from channels.messenger import body_of, message_of
from channels.social.meta_content import MEDIA_HOSTS
from channels.social.meta_events import read_events
from channels.social.meta_proof import answer_subscription, demand_settings, demand_signature
from domain.account import AccountDefinition, AccountInvalid
from domain.interaction import Attachment

TEXT_BYTES_MAX = 1_000
"""Bytes of UTF-8 of a text that we send."""
API_URLS = {"facebook": API_URL, "instagram": API_URL.replace("graph.facebook.com", "graph.instagram.com")}
"""By setting `login`."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an Instagram account needs."""

    account_id: str
    """`AccountDefinition.address`: Instagram's id of our professional account, as deliveries name it."""
    login: str
    """`facebook` (the account is linked to a page; the default) or `instagram` (Instagram's own login)."""
    sender: str
    """Whose Send API: the account's own, or with `facebook` that of its page, setting `page_id`."""
    app_secrets: tuple[str, ...]
    """`app_secret`, and `app_secret_previous` while it is rolled. Instagram's login has an app secret of its own."""
    verify_token: str
    """What we told Meta to say when it subscribes."""
    access: GraphAccess
    """`access_token` (the page's, or the account's own) and `api_url`: what sending needs."""


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing or wrong."""
    demand_settings(definition, "an Instagram", "the id of its professional account")
    given = definition.settings
    login = given.get("login") or "facebook"
    if login not in API_URLS:
        raise AccountInvalid(f"settings.login: {login!r} is neither facebook nor instagram")
    # With a page's token, "me" is that page.
    sender = (given.get("page_id") or "me") if login == "facebook" else definition.address
    return Settings(
        account_id=definition.address,
        login=login,
        sender=sender,
        app_secrets=(given["app_secret"], given.get("app_secret_previous", "")),
        verify_token=given["verify_token"],
        access=GraphAccess.read(definition, API_URLS[login]),
    )


def takes_links_only(settings: Mapping[str, str]) -> bool:
    """Instagram's own login has no upload: Meta fetches the files from us."""
    return settings.get("login") == "instagram"


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Checks Meta's signature of the raw body. Raises SignatureWrong."""
    demand_signature(posted, read_settings(definition).app_secrets)


def answer_handshake(definition: AccountDefinition, posted: Posted) -> Acknowledgement:
    """The challenge that Meta wants back when it subscribes. Raises SignatureWrong."""
    return answer_subscription(posted, read_settings(definition).verify_token)


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """Everything in a delivery; both flavours send the same. Raises UnreadablePayload.

    Example: `{"object": "instagram", "entry": [{"id": "17841", "messaging": [{"sender": {"id": "2"}, "recipient":
    {"id": "17841"}, "timestamp": 1762902671000, "message": {"mid": "aWdf1", "is_deleted": true}}]}]}`
    """
    del definition  # nothing of it is needed to read what is not encrypted
    return read_events(posted, medium="Instagram", kind_of_object="instagram")


async def send(definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
    """Hands a text or a file to the Send API. Where that is the page's, our message id goes with it as `metadata`.

    A longer text is refused rather than cut in two: each half would have a fate of its own, the reply only one.
    """
    if len(reply.text.encode()) > TEXT_BYTES_MAX:
        return Rejected(reason=f"a text has at most {TEXT_BYTES_MAX} bytes of UTF-8", refusal=Refusal.OUR_FAULT)
    settings = read_settings(definition)
    if isinstance(body := body_of(reply), Rejected):
        return body
    if reply.files and settings.login == "instagram":
        message: dict[str, Any] | Rejected = _linked(reply.files[0])
    else:
        message = await message_of(reply, client, settings.access, settings.sender, platform="instagram")
    if isinstance(message, Rejected):
        return message
    body["message"] = message
    if settings.login == "facebook":  # Instagram's own reference does not know the field
        body["message"]["metadata"] = reply.message_id
    return await post_message(client, settings.access, settings.sender, body)


def _linked(file: OutgoingFile) -> dict[str, Any] | Rejected:
    """Example: `{"attachment": {"type": "image", "payload": {"url": "https://…"}}}`."""
    if not file.link:
        reason = "settings.login: with Instagram's own login files go by link, and nobody can reach us"
        return Rejected(reason=reason, refusal=Refusal.OUR_FAULT)
    return {"attachment": {"type": file.sent_as, "payload": {"url": file.link}}}


async def fetch(definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
    """By the link that came with the message, which expires. Raises MediaRefused."""
    del definition  # the link is its own permission
    return await get(attachment.reference, hosts=MEDIA_HOSTS)
