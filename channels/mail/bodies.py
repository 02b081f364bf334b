"""What a mail says: its text, its markup as it came, and what is known of its files."""

import binascii
import hashlib
import re
from collections.abc import Iterable

import msgspec

from channels.edge.text import clean, file_name, one_line
from channels.mail.charsets import RUNGS, Decoded, base64_bytes, decode
from channels.mail.guesses import guess
from channels.mail.headers import Parameters, parameters_of
from channels.mail.html_text import text_of_html
from channels.mail.structure import Part
from domain.interaction import Attachment

TEXT_LENGTH_MAX = 200_000
"""Characters of text, and of markup, that are kept; of a longer mail the raw one is kept too."""
ATTACHMENTS_MAX = 200
META_BYTES_READ_MAX = 4_096
_META_CHARSET = re.compile(rb"<meta\s[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_NOTHING_DECLARED = frozenset(
    {"us-ascii", "ascii", "default", "unknown-8bit", "x-unknown", "unknown", "8bit", "binary"}
)


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A mail's content."""

    text: str
    html: str
    attachments: tuple[Attachment, ...]
    sha256: str
    """Of the bytes of all texts and files, in order, whichever way they were encoded and their lines end."""
    rung: str
    """The lowest rung of the charset ladder that any of the text was read on; see `charsets.RUNGS`."""
    limits: tuple[str, ...]
    """Names of the limits that cut something off."""


def body_of(parts: Iterable[Part], hint: str = "") -> Body:
    """The texts and files of a mail. Texts that have a file name, or say so, are files. Never raises.

    `hint` is the charset that the mail's undeclared 8-bit text is probably in; see `headers_hint`.
    """
    texts: list[Decoded] = []
    markup: list[Decoded] = []
    files: list[Attachment] = []
    limits: list[str] = []
    digest = hashlib.sha256()
    for part in parts:
        data = decoded_bytes(part)
        disposition, parameters = _disposition(part, hint)
        is_file = disposition == "attachment" or bool(parameters.get("filename") or part.parameters.get("name"))
        if part.content_type == "text/plain" and not is_file:
            texts.append(_text(part, data))
        elif part.content_type == "text/html" and not is_file:
            markup.append(_text(part, data))
        elif len(files) < ATTACHMENTS_MAX:
            files.append(_attachment(part, data, parameters, hint))
        else:
            limits.append("ATTACHMENTS_MAX")
        digest.update(data.replace(b"\r\n", b"\n").strip() + b"\0")
    html = "\n".join(one.text for one in markup)
    text = "\n\n".join(one.text.strip() for one in texts if one.text.strip())
    text = text or text_of_html(html[: 2 * TEXT_LENGTH_MAX])
    limits += ["TEXT_LENGTH_MAX"] * (max(len(text), len(html)) > TEXT_LENGTH_MAX)
    return Body(
        text=text[:TEXT_LENGTH_MAX],
        html=html[:TEXT_LENGTH_MAX],
        attachments=tuple(files),
        sha256=digest.hexdigest(),
        rung=max((one.rung for one in (*texts, *markup)), key=RUNGS.index, default=RUNGS[0]),
        limits=tuple(dict.fromkeys(limits)),
    )


def decoded_bytes(part: Part) -> bytes:
    """The part's own bytes, its transfer encoding undone as far as it makes sense."""
    encoding = part.headers.word("content-transfer-encoding")
    if encoding == "base64":
        return base64_bytes(part.encoded)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(part.encoded)
    if encoding in {"x-uuencode", "uuencode", "uue", "x-uue"}:
        return _uudecoded(part.encoded)
    return part.encoded


def _uudecoded(encoded: bytes) -> bytes:
    data = b""
    for line in encoded.splitlines():
        if line.startswith((b"begin ", b"end")) or not line.strip():
            continue
        try:
            data += binascii.a2b_uu(line)
        except binascii.Error:
            continue  # a broken line costs that line only
    return data


def _text(part: Part, data: bytes) -> Decoded:
    declared = part.parameters.get("charset", "")
    if part.content_type == "text/html" and not data.isascii() and (found := _meta_charset(data, declared)):
        decoded = decode(data, found)
        if decoded.rung in {"declared", "alias"}:
            decoded = Decoded(decoded.text, "meta")
    else:
        decoded = decode(data, declared)
    return Decoded(decoded.text.replace("\r\n", "\n").replace("\r", "\n"), decoded.rung)


def _meta_charset(data: bytes, declared: str) -> str:
    """What the markup declares, where the mail declares nothing, or what cannot be."""
    if declared and declared.lower() not in _NOTHING_DECLARED:
        return ""
    found = _META_CHARSET.search(data[:META_BYTES_READ_MAX])
    return found[1].decode("ascii") if found else ""


def headers_hint(parts: Iterable[Part], values: Iterable[bytes]) -> str:
    """The charset of undeclared 8-bit headers: the one that the body declares, else the one they look like together.

    A subject alone is short, so that other headers and the beginning of the text are looked at too.
    """
    declared = (part.parameters["charset"] for part in parts if "charset" in part.parameters)
    if hint := next((one for one in declared if one.lower() not in _NOTHING_DECLARED), ""):
        return hint
    eight_bit = [value for value in values if not value.isascii()]
    if not eight_bit:
        return ""
    texts = [decoded_bytes(part)[:META_BYTES_READ_MAX] for part in parts if part.content_type.startswith("text/")]
    return guess(b" ".join([*eight_bit, *(text for text in texts[:2] if not text.isascii())]))


def _disposition(part: Part, hint: str) -> tuple[str, Parameters]:
    value = part.headers.raw("content-disposition")
    return (part.headers.word("content-disposition"), parameters_of(value, hint)) if value else ("", {})


def _attachment(part: Part, data: bytes, parameters: Parameters, hint: str) -> Attachment:
    content_id = part.headers.raw("content-id").decode("latin-1").strip("<> ")
    return Attachment(
        name=file_name(parameters.get("filename") or _name(part, hint)),
        content_type=part.content_type,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        reference=clean(one_line(f"cid:{content_id}")) if content_id else f"part:{part.number}",
    )


def _name(part: Part, hint: str) -> str:
    """The name that Content-Type gives a part, an undeclared 8-bit one in the charset of the mail."""
    value = part.headers.raw("content-type")
    return part.parameters.get("name", "") if value.isascii() else parameters_of(value, hint).get("name", "")
