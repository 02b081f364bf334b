"""Facebook Messenger: account settings, verify, answer_handshake, parse, send, fetch.

Who somebody is (the PSID) means something only on one page.
"""

import json
from datetime import timedelta
from mimetypes import guess_extension
from typing import Any

import httpx
import msgspec

from application.exchange.media import Fetched, Get
from application.exchange.sending import Outcome, Outgoing, Refusal, Rejected
from channels.edge.graph import GraphAccess, post_message, upload
from channels.edge.payload import Acknowledgement, Delivery, Posted
from channels.social.meta_content import MEDIA_HOSTS
from channels.social.meta_events import USER_REF, read_events
from channels.social.meta_proof import answer_subscription, demand_settings, demand_signature
from domain.account import AccountDefinition
from domain.interaction import Attachment

TEXT_LENGTH_MAX = 2_000
"""Characters of a text that we send (Meta's reference of the Send API)."""
WINDOW = timedelta(hours=24)
"""For so long after the customer wrote anything may be answered; later only by a person, and tagged so."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a page needs."""

    page_id: str
    """`AccountDefinition.address`: Meta's id of our page."""
    app_secrets: tuple[str, ...]
    """`app_secret`, and `app_secret_previous` while it is rolled."""
    verify_token: str
    """What we told Meta to say when it subscribes."""
    access: GraphAccess
    """`access_token` (the page's) and `api_url`: what sending needs."""


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing."""
    demand_settings(definition, "a Messenger", "the id of its page")
    given = definition.settings
    return Settings(
        page_id=definition.address,
        app_secrets=(given["app_secret"], given.get("app_secret_previous", "")),
        verify_token=given["verify_token"],
        access=GraphAccess.read(definition),
    )


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Checks Meta's signature of the raw body. Raises SignatureWrong."""
    demand_signature(posted, read_settings(definition).app_secrets)


def answer_handshake(definition: AccountDefinition, posted: Posted) -> Acknowledgement:
    """The challenge that Meta wants back when it subscribes. Raises SignatureWrong."""
    return answer_subscription(posted, read_settings(definition).verify_token)


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """Everything in a delivery (an example stands at `read_events`). Raises UnreadablePayload."""
    del definition  # nothing of it is needed to read what is not encrypted
    return read_events(posted, medium="Messenger", kind_of_object="page")


async def send(definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
    """Hands a text or a file to the page's Send API, whose echo returns our message id as `metadata`.

    A longer text is refused rather than cut in two: each half would have a fate of its own, the reply only one.
    """
    if len(reply.text) > TEXT_LENGTH_MAX:
        return Rejected(reason=f"a text has at most {TEXT_LENGTH_MAX} characters", refusal=Refusal.OUR_FAULT)
    settings = read_settings(definition)
    if isinstance(body := body_of(reply), Rejected):
        return body
    if isinstance(message := await message_of(reply, client, settings.access, settings.page_id), Rejected):
        return message
    body["message"] = message | {"metadata": reply.message_id}
    return await post_message(client, settings.access, settings.page_id, body)


async def message_of(
    reply: Outgoing, client: httpx.AsyncClient, access: GraphAccess, sender: str, platform: str = ""
) -> dict[str, Any] | Rejected:
    """The text, or the file, which is uploaded first: `POST {api_url}/{sender}/message_attachments` (Attachment Upload
    API); `platform` names Instagram. One message is either, so that a file goes without a text.

    Example: `{"text": "Hi"}`, `{"attachment": {"type": "image", "payload": {"attachment_id": "1857777774821032"}}}`
    """
    if not reply.files:
        return {"text": reply.text}
    (file,) = reply.files
    wanted = {"attachment": {"type": file.sent_as, "payload": {"is_reusable": False}}}
    form = {"message": json.dumps(wanted)} | ({"platform": platform} if platform else {})
    # Instagram takes no names that are not ASCII.
    name = file.name if not platform else f"file{guess_extension(file.content_type) or ''}"
    given = (name, file.body, file.content_type)
    uploaded = await upload(client, access, f"{sender}/message_attachments", form, given, field="filedata")
    if isinstance(uploaded, Rejected):
        return uploaded
    return {"attachment": {"type": file.sent_as, "payload": {"attachment_id": uploaded}}}


def body_of(reply: Outgoing) -> dict[str, Any] | Rejected:
    """What the Send API of Messenger and of Instagram wants beside the message itself; WINDOW_CLOSED for a machine's
    words after 24 hours.

    What a person writes later goes with the tag HUMAN_AGENT, which Meta takes for seven days.

    Example: `{"recipient": {"id": "4357"}, "messaging_type": "RESPONSE", "reply_to": {"mid": "m_1"}}`
    """
    is_late = reply.heard_at is not None and reply.written_at - reply.heard_at > WINDOW
    if is_late and reply.is_automatic:
        reason = "the customer wrote more than 24 hours ago, and only a person may answer now"
        return Rejected(reason=reason, refusal=Refusal.WINDOW_CLOSED)
    reference = reply.handle.removeprefix(USER_REF)
    body: dict[str, Any] = {
        "recipient": {"id": reference} if reference == reply.handle else {"user_ref": reference},
        "messaging_type": "MESSAGE_TAG" if is_late else "RESPONSE",
    }
    if is_late:
        body["tag"] = "HUMAN_AGENT"
    if reply.in_reply_to and "#" not in reply.in_reply_to:
        body["reply_to"] = {"mid": reply.in_reply_to}
    return body


async def fetch(definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
    """By the link that came with the message, which expires. Raises MediaRefused."""
    del definition  # the link is its own permission
    return await get(attachment.reference, hosts=MEDIA_HOSTS)
