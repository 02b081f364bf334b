"""Media: files that customers sent, or get from us, as downloads that no browser acts upon; and the upload of ours."""

import re
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from api.access.ownership import demand_customer, on_conversation
from api.access.permissions import Action, own_agent
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.operation import Nothing, command, read
from api.http.refusals import MediaTypeUnsupported, Unknown
from api.parts import Parts
from api.routes.work import CONVERSATION
from domain.interaction import ReplyWritten
from domain.media import MediaStored, digest_of

UNKNOWN_TYPE = "application/octet-stream"
NAME_LENGTH_MAX = 150
TICKET = re.compile(r"[0-9]{1,12}-[0-9a-f]{32}")
DIGEST = re.compile(r"[0-9a-f]{64}")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
SHOWN_TYPES = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff", "image/heif", "image/heic"}
    | {"audio/mpeg", "audio/aac", "audio/amr", "audio/amr-wb", "audio/wav", "audio/flac", "audio/x-flac"}
    | {"audio/mp4", "audio/x-m4a", "audio/ogg", "audio/webm", "audio/3gpp", "application/ogg"}
    | {"video/mp4", "video/quicktime", "video/3gpp", "video/webm", "video/ogg"}
    | {"text/plain", "text/csv", "text/tab-separated-values", "text/markdown", "text/calendar", "text/vcard"}
    | {"application/json", "application/pdf", "application/rtf", "application/zip", "application/gzip"}
    | {"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/epub+zip"}
    | {f"{_OFFICE}{kind}" for kind in ("wordprocessingml.document", "spreadsheetml.sheet")}
    | {f"{_OFFICE}presentationml.presentation"}
    | {f"{_OPEN}{kind}" for kind in ("text", "spreadsheet", "presentation", "graphics")}
)
"""Everything else is bytes: markup, images that are markup, programs, scripts, and what nobody has thought of."""
_SAFE = "!#$&+-.^_`|~"
"""Beside letters and digits, what RFC 8187 lets stand unescaped."""


class FileKept(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is kept with us, for replies to name."""

    media_id: str
    sha256: str
    size_bytes: int
    content_type: str
    """What it is, by its content."""


@read(
    "/v1/customers/{customer_id}/media/{digest}",
    Action.READ_CUSTOMERS,
    gives=None,
    answer_media_type="*/*",
    statuses=(404, 503),
)
async def download_media(asked: Asked[Nothing]) -> Answer:
    """Download a file that came from a customer or went to them.

    For whoever may read the customer's timeline, which names the digest: in `conversation.media_stored`, or in the
    `reference` of a reply's attachments. Always an attachment, of the type that its content has, and
    `application/octet-stream` where a browser could act on it.
    """
    customer_id, digest = asked.ids["customer_id"], asked.ids["digest"]
    await demand_customer(asked, customer_id)
    return await file_answer(asked.parts, digest, *_shown(await _told(asked, customer_id, digest), digest))


@read("/v1/files/{customer_id}/{digest}/{ticket}", None, gives=None, answer_media_type="*/*", statuses=(404, 503))
async def fetch_file(asked: Asked[Nothing]) -> Answer:
    """Fetch a file that a provider was told of.

    Some take pictures only by fetching them. The link is its own permission: for this file alone, and for a year.
    """
    customer_id, digest, ticket = (asked.ids[name] for name in ("customer_id", "digest", "ticket"))
    if not TICKET.fullmatch(ticket) or not asked.parts.links.is_good(customer_id, digest, ticket):
        raise Unknown
    return await file_answer(asked.parts, digest, *_shown(await _told(asked, customer_id, digest), digest))


def _shown(told: MediaStored | ReplyWritten, digest: str) -> tuple[str, str]:
    """Its name and type, as it is told."""
    if isinstance(told, MediaStored):
        return told.name, told.content_type
    return next((one.name, one.content_type) for one in told.attachments if digest_of(one) == digest)


async def file_answer(
    parts: Parts, digest: str, name: str, content_type: str, also: Sequence[tuple[str, str]] = ()
) -> Answer:
    """The file as a download; `also` are further headers. Raises Unknown, MediaNotStored."""
    found = await parts.media.get(digest)
    if found is None:
        raise Unknown
    _, body = found
    headers = [
        ("content-disposition", f"attachment; filename*=UTF-8''{quote(safe_name(name), safe=_SAFE)}"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private"),  # beside no-store, which every answer has
        ("cross-origin-resource-policy", "same-origin"),
        ("etag", f'"{digest}"'),
        *also,
    ]
    return Answer(200, body, headers, content_type if content_type in SHOWN_TYPES else UNKNOWN_TYPE)


async def _told(asked: Asked[Nothing], customer_id: str, digest: str) -> MediaStored | ReplyWritten:
    """The event that brought the file to this customer: its claim leads to it, in one look-up each. Raises Unknown."""
    if not DIGEST.fullmatch(digest):
        raise Unknown
    log, key = asked.parts.log, asked.parts.claim_keys.media(customer_id, digest).key
    if (claimed := (await log.claimed([key])).get(key)) is None:
        raise Unknown
    told = await log.at(claimed[0])
    if told is None or not isinstance(told.event, MediaStored | ReplyWritten):  # what was said has been erased
        raise Unknown
    return told.event


@command(
    CONVERSATION + "/files",
    Action.WORK_ON_CONVERSATIONS,
    takes=bytes,
    gives=FileKept,
    status=201,
    key="none",
    media_type="application/octet-stream",
    is_file=True,
    has_revision=True,
    statuses=(409, 415),
)
async def upload_file(asked: Asked[bytes]) -> Answer:
    """Upload a file that a reply in this conversation is to carry.

    The body is the file itself. What it is, its bytes say; the Content-Type only helps where they leave it open. The
    same bytes again are the same file. 409 `file-not-taken` where the customer's channel does not take it.
    """
    agent_id, ids = own_agent(asked.person), asked.ids
    declared = asked.header(b"content-type") or ""
    if declared.lower().startswith("multipart/"):
        raise MediaTypeUnsupported("multipart: this takes the file itself, without a form around it")
    stored = await on_conversation(
        asked,
        lambda one: asked.parts.files.add(
            one, ids["customer_id"], ids["conversation_id"], agent_id, asked.raw, declared
        ),
    )
    kept = FileKept(
        media_id=stored.digest,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        content_type=stored.content_type,
    )
    return json_answer(kept, 201)


def safe_name(name: str) -> str:
    r"""A file name that no system takes for a path, a device or an option; `file` where there is none.

    Example: `"..\\..\\con\u202egpj.exe"` → `"con_gpj.exe"`
    """
    bare = re.split(r"[/\\:]+", name)[-1]
    seen = "".join(character if character.isprintable() and character not in '"*<>?|%' else "_" for character in bare)
    return seen.strip(" ._-")[-NAME_LENGTH_MAX:] or "file"


OPERATIONS = (download_media, upload_file, fetch_file)
"""Every operation on files."""
