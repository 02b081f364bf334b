"""Media: files that customers sent, as downloads that no browser acts upon."""

import re
from urllib.parse import quote

from api.access.ownership import demand_customer
from api.access.permissions import Action
from api.http.answer import Answer
from api.http.asked import Asked
from api.http.operation import Nothing, read
from api.http.refusals import Unknown
from domain.media import MediaStored

UNKNOWN_TYPE = "application/octet-stream"
NAME_LENGTH_MAX = 150
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


@read(
    "/v1/customers/{customer_id}/media/{digest}",
    Action.READ_CUSTOMERS,
    gives=None,
    answer_media_type="*/*",
    statuses=(404, 503),
)
async def download_media(asked: Asked[Nothing]) -> Answer:
    """Download a file that came with a message of a customer.

    For whoever may read the customer's timeline, which names the digest in `conversation.media_stored`. Always an
    attachment, of the type that its content has, and `application/octet-stream` where a browser could act on it.
    """
    customer_id, digest = asked.ids["customer_id"], asked.ids["digest"]
    await demand_customer(asked, customer_id)
    told = await _told(asked, customer_id, digest)
    found = await asked.parts.media.get(digest)
    if found is None:
        raise Unknown
    _, body = found
    headers = [
        ("content-disposition", f"attachment; filename*=UTF-8''{quote(safe_name(told.name), safe=_SAFE)}"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private"),  # beside no-store, which every answer has
        ("cross-origin-resource-policy", "same-origin"),
        ("etag", f'"{digest}"'),
    ]
    return Answer(200, body, headers, told.content_type if told.content_type in SHOWN_TYPES else UNKNOWN_TYPE)


async def _told(asked: Asked[Nothing], customer_id: str, digest: str) -> MediaStored:
    """The event that brought the file to this customer: its claim leads to it, in one look-up each. Raises Unknown."""
    if not DIGEST.fullmatch(digest):
        raise Unknown
    log, key = asked.parts.log, asked.parts.claim_keys.media(customer_id, digest).key
    if (claimed := (await log.claimed([key])).get(key)) is None:
        raise Unknown
    told = await log.at(claimed[0])
    if told is None or not isinstance(told.event, MediaStored):  # what was said has been erased
        raise Unknown
    return told.event


def safe_name(name: str) -> str:
    r"""A file name that no system takes for a path, a device or an option; `file` where there is none.

    Example: `"..\\..\\con\u202egpj.exe"` → `"con_gpj.exe"`
    """
    bare = re.split(r"[/\\:]+", name)[-1]
    seen = "".join(character if character.isprintable() and character not in '"*<>?|%' else "_" for character in bare)
    return seen.strip(" ._-")[-NAME_LENGTH_MAX:] or "file"


OPERATIONS = (download_media,)
