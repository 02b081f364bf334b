"""Bytes of a mail to text: a ladder of charsets that always ends in some text, and says on which rung it stood."""

import binascii
import re
from encodings.aliases import aliases
from functools import lru_cache
from typing import NamedTuple

import charset_normalizer

from channels.edge.text import clean
from channels.mail.guesses import guess, is_escaped

GUESSED_FROM_BYTES_MAX = 4_096
"""A longer text is guessed by its beginning; guessing is a thousand times slower than decoding."""
GUESSED_FROM_BYTES_MIN = 16

RUNGS = ("declared", "alias", "meta", "utf-8", "guessed", "cp1252")
"""From sure to last resort. `meta` is what the markup itself declares."""

_REALLY = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso_gb2312": "gb18030",
    "x_gbk": "gb18030",
    "chinesebig5": "big5hkscs",
    "big5": "big5hkscs",
    "x_big5": "big5hkscs",
    "ks_c_5601": "cp949",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "iso_8859_1": "cp1252",
    "latin1": "cp1252",
    "latin_1": "cp1252",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "unicode_1_1_utf_7": "utf_7",
    "cp_850": "cp850",
    "utf8mb4": "utf_8",
    "iso_8859_8_i": "iso8859_8",
    "windows_874": "cp874",
}
"""What writers of mail mean when they declare the left: mostly a larger charset of the same family."""
_NOT_TEXT = {
    "base64_codec",
    "bz2_codec",
    "hex_codec",
    "quopri_codec",
    "rot_13",
    "uu_codec",
    "zlib_codec",
    "mbcs",
    "oem",
}
_WITHOUT_ALIAS = ("cp720", "cp737", "cp856", "cp874", "cp875", "cp1006", "koi8_t", "koi8_u", "utf_8_sig")
_CODECS = {
    name: codec
    for name, codec in [*((one, one) for one in (*_WITHOUT_ALIAS, *aliases.values())), *aliases.items()]
    if codec not in _NOT_TEXT
}
"""The codecs that Python ships. For any other name its registry would import a module, and keep an entry."""
_NOT_NAME = re.compile(r"[^a-z0-9]+")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bqBQ])\?((?:[^?]|\?(?!=))*)(?:\?=|\?$|$)")
"""RFC 2047, section 2, with a question mark inside or the end cut off, as some programs write."""
_SPACE_BETWEEN = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,60}\?[bqBQ]\?)")


class Decoded(NamedTuple):
    """A text, and the rung of the ladder (see `RUNGS`) that it was read on."""

    text: str
    rung: str


def decode(data: bytes, declared: str = "") -> Decoded:
    """Climbs down: declared, what is meant by it, UTF-8, a guess, Windows-1252 with replacement. Never raises."""
    if is_escaped(data) and (name := guess(data)):
        return Decoded(clean(data.decode(name, "replace")), "declared" if declared.lower() == name else "guessed")
    for name, rung in _candidates(declared):
        try:
            return Decoded(clean(data.decode(name)), rung)
        except (UnicodeError, ValueError):
            continue
    if name := guess(data) or (_guess(data[:GUESSED_FROM_BYTES_MAX]) if len(data) >= GUESSED_FROM_BYTES_MIN else ""):
        return Decoded(clean(data.decode(name, "replace")), "cp1252" if name == "cp1252" else "guessed")
    return Decoded(clean(data.decode("cp1252", "replace")), "cp1252")


@lru_cache(maxsize=256)
def _candidates(declared: str) -> list[tuple[str, str]]:
    name = _NOT_NAME.sub("_", declared[:100].lower().removeprefix("charset=")).strip("_")
    meant = _REALLY.get(name, "")
    known = _CODECS.get(meant or name, "")
    first = [(known, "alias" if meant else "declared")] if known else []
    return [*first, ("utf_8", "utf-8")]


def _guess(data: bytes) -> str:
    try:
        best = charset_normalizer.from_bytes(data).best()
    except Exception:  # noqa: BLE001 - a guess may fail on anything; the ladder has one more rung
        return ""
    return best.encoding if best else ""


def decode_header(value: bytes, hint: str = "") -> str:
    """A header's text: RFC 2047 words decoded wherever they stand, raw 8-bit text by the ladder. Never raises.

    `hint` is the charset that the mail's body declares: old clients write their headers in it, undeclared.

    Example: `b"=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Wien"` → `"Grüße aus Wien"`
    """
    text = value.decode("ascii") if value.isascii() and not is_escaped(value) else _eight_bit(value, hint)
    return clean(decode_words(text)) if "=?" in text else clean(text)


def _eight_bit(value: bytes, hint: str) -> str:
    if is_escaped(value):
        return decode(value).text
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return decode(value, hint).text


def decode_words(text: str) -> str:
    """RFC 2047 encoded words as text. Neighbours are joined as bytes first, since some writers split a character."""
    text = _SPACE_BETWEEN.sub(r"\1", text)
    pieces: list[str] = []
    held, held_charset, done = b"", "", 0
    for word in _ENCODED_WORD.finditer(text):
        charset = word[1].partition("*")[0].lower()
        if held and (word.start() > done or charset != held_charset):
            pieces.append(decode(held, held_charset).text)
            held = b""
        pieces.append(text[done : word.start()])
        held, held_charset, done = held + _word_bytes(word[2], word[3]), charset, word.end()
    return "".join([*pieces, decode(held, held_charset).text if held else "", text[done:]])


def _word_bytes(encoding: str, word: str) -> bytes:
    raw = word.encode("utf-8", "replace")
    return base64_bytes(raw) if encoding in "bB" else binascii.a2b_qp(raw, header=True)


def base64_bytes(raw: bytes) -> bytes:
    """Base64, read as far as it makes sense: foreign characters are skipped, missing padding is added."""
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
        return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")
