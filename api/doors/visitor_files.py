"""Files in a web chat: what a visitor uploads for their next message, and what came with words that they see.

A download is nothing that a browser acts upon; an upload is nothing that anybody sees before a message carries it.
"""

import asyncio
from datetime import datetime, timedelta

import msgspec

from api.doors.visitors_door import is_allowed, settings_of
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.known import fresh_state
from api.http.operation import command
from api.http.refusals import BodyTooLarge, Invalid, MediaTypeUnsupported, NotAllowed, Unknown
from api.routes.media import DIGEST, file_answer
from api.sockets.visitor_identity import VisitorIdentity
from channels import webchat
from channels.chat.files import BYTES_LIMIT, make_ticket
from channels.chat.tokens import verify_visitor_token
from channels.edge.payload import Posted, UnreadablePayload
from channels.mail.arriving.forms import form_of
from domain.customer import Customer
from domain.interaction import MessageReceived, ReplyWritten
from domain.media import MediaStored, digest_of
from domain.outbound.files import FileNotTaken

UPLOAD_HOURS = 24
"""So long a message may name what was uploaded."""
FORM_BYTES = 16 * 1024
"""Of a form beside the file in it."""
OFF_THE_LOOP_BYTES = 65_536
"""Reading a larger form takes so long that requests should not wait for it."""
FORM = {
    "token": {"type": "string", "description": "The visitor's, from `welcome` or `POST …/visitors`."},
    "file": {"type": "string", "contentMediaType": "application/octet-stream"},
}


class FileTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What a visitor uploaded, for a `message` frame to name."""

    ticket: str
    """In `files` of a message of the same visitor, before it expires."""
    expires_at: datetime
    media_id: str
    content_type: str
    """What it is, by its content."""
    size_bytes: int


@command(
    "/v1/webchat/{account_id}/files",
    None,
    takes=bytes,
    gives=FileTaken,
    status=201,
    key="none",
    media_type="multipart/form-data",
    form=FORM,
    bytes_max=BYTES_LIMIT + FORM_BYTES,
    statuses=(401, 403, 404, 409, 415, 429, 503),
)
async def upload_as_visitor(asked: Asked[bytes]) -> Answer:
    """Upload a file that the visitor's next message is to carry.

    A form, so that a browser asks without a preflight. At most 10 MB, unless the account's `visitor_file_bytes_max`
    says otherwise; 10 files a minute from one visitor. What it is, its bytes say. The same bytes again are the same
    file. Nobody sees it before a `message` names its ticket.
    """
    account_id, parts = asked.ids["account_id"], asked.parts
    settings, also = _let_in(asked)
    asked.edge.files_per_address.count(asked.address)
    bytes_max = min(settings.file_bytes_max, parts.settings.media_bytes_max)
    if bytes_max == 0:
        raise FileNotTaken("file: this web chat takes none")
    token, body = await _form(asked)
    visitor_id = verify_visitor_token(token, account_id=account_id, keys=settings.visitor_keys, at=asked.at)
    if len(body) > bytes_max:
        raise BodyTooLarge(bytes_max)
    if not body:
        raise FileNotTaken("file: it is empty")
    asked.edge.files_per_visitor.count(f"{account_id} {visitor_id}")
    stored = await parts.media.put(body)
    expires_at = asked.at + timedelta(hours=UPLOAD_HOURS)
    ticket = make_ticket(
        stored, account_id=account_id, visitor_id=visitor_id, key=settings.visitor_keys[0], expires_at=expires_at
    )
    taken = FileTaken(
        ticket=ticket,
        expires_at=expires_at,
        media_id=stored.digest,
        content_type=stored.content_type,
        size_bytes=stored.size_bytes,
    )
    return json_answer(taken, 201, also)


def _let_in(asked: Asked[bytes]) -> tuple[webchat.Settings, list[tuple[str, str]]]:
    """The web chat's settings, and the headers by which the page may read the answer. Raises NotAllowed."""
    settings, origin = settings_of(asked.parts, asked.ids["account_id"]), asked.header(b"origin")
    if not is_allowed(origin, settings):
        raise NotAllowed("this page is not one that the web chat belongs on")
    return settings, [] if origin is None else [("access-control-allow-origin", origin), ("vary", "origin")]


async def _form(asked: Asked[bytes]) -> tuple[str, bytes]:
    """The token and the file. Raises MediaTypeUnsupported, UnreadablePayload."""
    content_type = asked.header(b"content-type") or ""
    if not content_type.lower().startswith("multipart/form-data"):
        raise MediaTypeUnsupported("this takes multipart/form-data, with the fields token and file")
    posted = Posted(raw=asked.raw, received_at=asked.at, headers={"content-type": content_type})
    is_large = len(asked.raw) > OFF_THE_LOOP_BYTES
    form = await asyncio.to_thread(form_of, posted) if is_large else form_of(posted)
    for name in FORM:
        if name not in form:
            raise UnreadablePayload(name, "the form has no such field")
    return form["token"][: webchat.TOKEN_LENGTH_MAX].decode("utf-8", "replace"), form["file"]


@command(
    "/v1/webchat/{account_id}/media/{digest}",
    None,
    takes=bytes,
    gives=None,
    key="none",
    media_type="text/plain",
    answer_media_type="*/*",
    statuses=(401, 403, 404, 429, 503),
    example='{"kind": "hello", "token": "0193a7c2.1794873600.mZ3…"}',
)
async def download_as_visitor(asked: Asked[bytes]) -> Answer:
    """Download a file that came with an answer, or with a message of the visitor's own, in a web chat.

    The body is the same `hello` as the socket's, sent as text, so that a browser asks without a preflight. Whoever
    sees those words on that socket gets the file: as an attachment, never something that a browser acts upon.
    """
    account_id, digest = asked.ids["account_id"], asked.ids["digest"]
    if not DIGEST.fullmatch(digest):
        raise Unknown
    settings, also = _let_in(asked)
    asked.edge.visitors_per_address.count(asked.address)
    hello = webchat.read_frame(asked.raw)
    if not isinstance(hello, webchat.Hello):
        raise Invalid("$.kind", "say hello, as on the socket")
    identity = VisitorIdentity(asked.parts, account_id, settings, hello.token)
    await identity.identify(hello)
    await identity.look_up()
    for customer_id in (identity.home.customer_id, identity.home.earlier_customer_id):
        for told in await _told(asked, customer_id, digest) if customer_id else ():
            if identity.sees(customer_id) in ("", told.handle):
                name, content_type = told.shown
                return await file_answer(asked.parts, digest, name, content_type, also)
    raise Unknown


class _Told(msgspec.Struct):
    """Words in this web chat that carried the file."""

    handle: str
    """Of the visitor whose words they are, or are for."""
    shown: tuple[str, str]
    """Name and type of the file."""


async def _told(asked: Asked[bytes], customer_id: str, digest: str) -> list[_Told]:
    """The first answer that the file went out with, and the first message that it came with."""
    account_id, log, keys = asked.ids["account_id"], asked.parts.log, asked.parts.claim_keys
    customer: Customer
    customer, _ = await fresh_state(asked.parts, customer_id)
    conversations = [one.id for one in customer.conversations.values() if one.account_id == account_id]
    ways = [keys.media_in(one, digest).key for one in conversations] + [keys.media(customer_id, digest).key]
    found: list[_Told] = []
    for position, _ in (await log.claimed(ways)).values():
        event = told.event if (told := await log.at(position)) else None  # or what was said has been erased
        if isinstance(event, ReplyWritten) and event.account_id == account_id:
            file = next(one for one in event.attachments if digest_of(one) == digest)
            found.append(_Told(event.handle, (file.name, file.content_type)))
        elif isinstance(event, MediaStored) and event.conversation_id in conversations:
            came = await log.at(event.message_position)
            if came is not None and isinstance(came.event, MessageReceived):
                handle = came.event.chat.handle if came.event.chat else came.event.handle
                found.append(_Told(handle, (event.name, event.content_type)))
    return found


OPERATIONS = (upload_as_visitor, download_as_visitor)
