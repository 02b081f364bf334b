"""Forms as providers post them: every field as bytes, since a raw mail may be one of them."""

from io import BytesIO
from urllib.parse import unquote_to_bytes

from multipart import MultipartError, MultipartParser, parse_options_header  # type: ignore[import-untyped]  # it has no types

from channels.edge.payload import Posted, UnreadablePayload

FIELDS_MAX = 200
FIELD_BYTES_MAX = 64 * 1024 * 1024

Form = dict[str, bytes]


def form_of(posted: Posted) -> Form:
    r"""The fields of a form, the first value of each name. Raises UnreadablePayload.

    Example: `b"recipient=help%40shop.example&body-mime=From%3A..."` → `{"recipient": b"help@shop.example", …}`
    """
    media_type, options = parse_options_header(posted.headers.get("content-type", ""))
    if media_type == "application/x-www-form-urlencoded":
        return _urlencoded(posted.raw)
    if media_type != "multipart/form-data" or not options.get("boundary"):
        raise UnreadablePayload("", f"this is no form but {media_type or 'of no type'}")
    return _multipart(posted.raw, options["boundary"])


def _urlencoded(raw: bytes) -> Form:
    form: Form = {}
    for pair in raw.split(b"&", FIELDS_MAX)[:FIELDS_MAX]:
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        form.setdefault(unquote_to_bytes(name).decode("utf-8", "replace"), unquote_to_bytes(value))
    return form


def _multipart(raw: bytes, boundary: str) -> Form:
    """Raises UnreadablePayload."""
    form: Form = {}
    whole = len(raw) + 1  # never more than came, so nothing goes to a file
    limits = {"part_limit": FIELDS_MAX, "partsize_limit": FIELD_BYTES_MAX}
    try:
        for part in MultipartParser(BytesIO(raw), boundary, spool_limit=whole, memory_limit=whole, **limits):
            form.setdefault(part.name, part.raw)
            part.close()
    except (MultipartError, UnicodeError, ValueError) as error:
        raise UnreadablePayload("", f"the form cannot be read: {error}") from None
    return form
