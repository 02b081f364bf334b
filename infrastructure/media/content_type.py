"""What bytes are, by their content: what the sender says is only believed where the bytes leave it open."""

import io
import re
import zipfile

import puremagic

UNKNOWN = "application/octet-stream"
HEAD_BYTES = 65_536
"""Looked at for what a text is; types of files are told by far fewer."""
CONFIDENCE_IN_TEXT_MIN = 0.4
"""A text may begin with a few letters that also begin some file: `BMW` is no bitmap."""

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MARKUP = re.compile(
    r"<\s*(?:!doctype\s+html|html|head|body|script|iframe|object|embed|form|style|meta|link|img|base|a\s)",
    re.IGNORECASE,
)
_SVG = re.compile(r"<\s*(?:\w+:)?svg[\s>]", re.IGNORECASE)
_XML = re.compile(r"\s*<(?:\?xml|!doctype|!entity|\w+:?\w*[\s>/])", re.IGNORECASE)
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")

_TEXTS = frozenset(
    {"text/plain", "text/csv", "text/tab-separated-values", "text/markdown", "text/calendar", "text/vcard"}
    | {"text/x-vcard", "application/json", "application/x-ndjson", "message/rfc822"}
)
"""What a text may be said to be: no machine acts on any of it."""
_FAMILIES = (
    ("video/mp4", "audio/mp4", "audio/x-m4a", "video/quicktime"),
    ("video/3gpp", "audio/3gpp"),
    ("application/ogg", "audio/ogg", "video/ogg"),
    ("video/webm", "audio/webm", "application/x-matroska", "video/x-matroska"),
    ("image/heif", "image/heic"),
    ("application/x-ole-storage", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"),
)
"""Types of one container each: which of them it is, the first bytes do not say, so the sender is believed."""
_OTHER_NAMES = {
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "image/x-ms-bmp": "image/bmp",
    "application/x-gzip": "application/gzip",
    "application/msword": "application/x-ole-storage",  # what all files of that container begin with, installers too
}
_IN_ZIP = {
    "META-INF/MANIFEST.MF": "application/java-archive",
    "AndroidManifest.xml": "application/vnd.android.package-archive",
    "word/vbaProject.bin": "application/vnd.ms-word.document.macroenabled.12",
    "xl/vbaProject.bin": "application/vnd.ms-excel.sheet.macroenabled.12",
    "ppt/vbaProject.bin": "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/presentation.xml": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
"""The first of these names that an archive holds says what it is. Documents with macros are programs."""


def content_type_of(body: bytes, declared: str = "") -> str:
    r"""A media type in lower case without parameters; `application/octet-stream` where nothing can be told.

    Example: `(b"<html>…", "image/png")` → `"text/html"`; `(b"a,b\n1,2", "text/csv; charset=utf-8")` → `"text/csv"`
    """
    said = declared.partition(";")[0].strip().lower()
    if body.startswith(b"PK\x03\x04"):
        return _in_zip(body)
    if body.startswith(b"#!AMR"):
        return "audio/amr-wb" if body.startswith(b"#!AMR-WB") else "audio/amr"
    text = _as_text(body[:HEAD_BYTES])
    found = _active(text) if text is not None else ""
    if found:
        return found
    known = _known(body, CONFIDENCE_IN_TEXT_MIN if text is not None else 0.0)
    if text is not None:
        return said if said in _TEXTS else next((one for one in known if one != "application/json"), "text/plain")
    known = [one for one in known if not one.startswith("text/")]
    for family in _FAMILIES:
        if known and known[0] in family:
            return said if said in family else known[0]
    return next(iter(known), UNKNOWN)


def _as_text(head: bytes) -> str | None:
    if not head or _CONTROLS.search(head):
        return None
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= HEAD_BYTES - 4:  # cut in the middle of a character
            return head[: error.start].decode("utf-8-sig")
        return None if b"<" not in head else head.decode("latin-1")  # markup is markup in any charset


def _active(text: str) -> str:
    """The type of a text that a browser or a shell would act on; empty for others."""
    if text.startswith("#!"):
        return "text/x-shellscript"
    if _SVG.search(text):
        return "image/svg+xml"
    if _MARKUP.search(text):
        return "text/html"
    return "application/xml" if _XML.match(text) else ""


def _known(body: bytes, confidence_min: float) -> list[str]:
    """Types that the first and last bytes are known for, surest first."""
    try:
        matches = puremagic.magic_string(body)
    except (puremagic.PureError, ValueError):
        return []
    types = [one.mime_type.lower() for one in matches if one.confidence >= confidence_min]
    return [_OTHER_NAMES.get(one, one) for one in types if one != UNKNOWN and _TYPE.fullmatch(one)]


def _in_zip(body: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = archive.NameToInfo
            if found := next((kind for name, kind in _IN_ZIP.items() if name in names), ""):
                return found
            if "mimetype" in names:  # OpenDocument and EPUB: the first entry, uncompressed
                with archive.open("mimetype") as entry:
                    kind = entry.read(100).decode("latin-1").strip().lower()
                return kind if _TYPE.fullmatch(kind) and kind.startswith("application/") else "application/zip"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        pass  # broken, encrypted or made to confuse: still an archive
    return "application/zip"
