"""A mail's headers: found by name, kept as bytes, decoded only where they are asked for."""

import re
from urllib.parse import unquote_to_bytes

from channels.mail.charsets import decode, decode_header, decode_words

VALUE_BYTES_MAX = 32 * 1024
"""Of one header; References chains of the longest threads fit."""
ADDRESSES_MAX = 500

Parameters = dict[str, str]

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_PARAMETER = re.compile(r';\s*([^\s=;"]{1,100}?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))')
_ADDRESS_IN_BRACKETS = re.compile(
    r"[<\[]\s*(?:mailto:)?((?:\"(?:[^\"\\]|\\.){1,254}\"|[^<>@\s\[\]\"]{1,256})\s?@\s?(?:\[[^\]\s]{1,256}\]|[^<>\s,;\]]{1,256}))\s*[>\]]?",
    re.ASCII | re.IGNORECASE,
)
_ADDRESS_BARE = re.compile(r"[^\s<>,;:\"()\[\]@]{1,256}@[^\s<>,;:\"()\[\]@]{1,256}", re.ASCII)
_GROUP = re.compile(r"\s*[^\s\"<>@:;,]{1,100}(?:\s[^\s\"<>@:;,]{1,100}){0,7}\s?:(?=\s*(?:$|[^:]{0,300}@))")
"""The name of a group (RFC 5322, section 3.4), as in `undisclosed-recipients:`."""
_ITEM = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,;])+')
_WORD_END = re.compile(r"[;(\s]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_COMMENT = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")


class Headers:
    """The headers of a mail or of one part."""

    __slots__ = ("_lines", "_values")

    def __init__(self, block: bytes) -> None:
        self._values: dict[str, list[bytes]] = {}
        unfolded = block.replace(b"\r\n", b"\n").replace(b"\n ", b" ").replace(b"\n\t", b"\t")
        self._lines = unfolded.split(b"\n")
        for line in self._lines:
            name, colon, value = line.partition(b":")
            if colon and not name.startswith((b" ", b"\t")):
                key = name.strip().lower().decode("latin-1")
                self._values.setdefault(key, []).append(value[:VALUE_BYTES_MAX].strip())

    def all(self, name: str) -> list[bytes]:
        """Every value of that header (name in lower case), in order, unfolded."""
        return self._values.get(name, [])

    def in_order(self, *names: str) -> list[tuple[str, bytes]]:
        """Every header of these names (in lower case) with its value, from the top down."""
        found: list[tuple[str, bytes]] = []
        for line in self._lines:
            name, colon, value = line.partition(b":")
            key = name.strip().lower().decode("latin-1")
            if colon and key in names:
                found.append((key, value[:VALUE_BYTES_MAX].strip()))
        return found

    def names(self) -> list[str]:
        """Each name once, in lower case."""
        return list(self._values)

    def raw(self, name: str) -> bytes:
        """The first value, or nothing."""
        return self._values.get(name, [b""])[0]

    def text(self, name: str, hint: str = "") -> str:
        """The first value, decoded; see `decode_header`."""
        return decode_header(self.raw(name), hint)

    def word(self, name: str) -> str:
        """The first value in lower case up to a semicolon or comment, for headers that hold one word."""
        value = self.raw(name)
        return _WORD_END.split(value[:200].decode("latin-1").lower(), maxsplit=1)[0] if value else ""


def content_type_of(headers: Headers, default: str) -> tuple[str, Parameters]:
    """Media type in lower case and parameters; the default where there is none or it is not one."""
    value = headers.raw("content-type")
    if not value:
        return default, {}
    kind = value.partition(b";")[0].strip().lower().decode("latin-1")
    return (kind if _TYPE.fullmatch(kind) else default), parameters_of(value)


def parameters_of(value: bytes, hint: str = "") -> Parameters:
    """What follows the first semicolon, by lower-case name: RFC 2231, and RFC 2047 words where they must not stand.

    Example: `b'attachment; filename*0*=utf-8%27%27%E2%82%AC; filename*1="uro.pdf"'` → `{"filename": "€uro.pdf"}`
    """
    if b";" not in value:
        return {}
    text = value.decode("ascii") if value.isascii() else decode_header(value, hint)
    plain: Parameters = {}
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for match in _PARAMETER.finditer(text[text.index(";") :]):
        quoted, bare = match[2], match[3]
        content = bare.strip() if quoted is None else quoted
        content = _ESCAPED.sub(r"\1", content) if "\\" in content else content
        name, star, rest = match[1].lower().partition("*")
        if star:
            number, is_encoded = rest.rstrip("*"), rest.endswith("*") or not rest
            section = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
            sections.setdefault(name, []).append((section, is_encoded, content))
        else:
            plain.setdefault(name, decode_words(content) if "=?" in content else content)
    return plain | {name: _joined(parts) for name, parts in sections.items()}


def _joined(sections: list[tuple[int, bool, str]]) -> str:
    """The sections of an RFC 2231 parameter put together; the first may begin with `charset'language'`."""
    sections.sort()
    charset, data = "", b""
    for place, (_, is_encoded, content) in enumerate(sections):
        if is_encoded and place == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)  # noqa: PLW2901 - what is left of the section
        data += unquote_to_bytes(content) if is_encoded else content.encode("utf-8", "replace")
    text = decode(data, charset).text
    return decode_words(text) if "=?" in text and not charset else text


def addresses_in(values: list[bytes], hint: str = "") -> list[tuple[str, str]]:
    """Display name and address (its domain in lower case) of everybody in these headers, however broken.

    Example: `[b'"Ana, M." <Ana@Example.ORG>, bob@example.org (Bob)']` → `[("Ana, M.", "Ana@example.org"),
    ("Bob", "bob@example.org")]`
    """
    found: list[tuple[str, str]] = []
    for value in values:
        for item in _split_addresses(value.decode("latin-1"))[: ADDRESSES_MAX - len(found)]:
            name, address = _address_in(item)
            if not address and "=?" in item:
                name, address = _address_in(decode_words(item))
            if address or name:
                found.append((_unquoted(decode_header(_as_bytes(name), hint)), decode_header(_as_bytes(address), hint)))
    return found


def _as_bytes(text: str) -> bytes:
    """The bytes that stand for this text: addresses are looked for in Latin-1, which keeps each byte one character."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _split_addresses(value: str) -> list[str]:
    """Split at commas (and semicolons, as Outlook writes) outside quotes and brackets, and not within a bare name."""
    if "," not in value and ";" not in value:
        return [value]
    items: list[str] = []
    begun = -1
    for item in _ITEM.finditer(value):
        begun = item.start() if begun < 0 else begun
        if "@" in item[0] or "=40" in item[0]:
            items.append(value[begun : item.end()])
            begun = -1  # what has no address is the beginning of the next one's name: `Doe, Ana <ana@example.org>`
    rest = value[begun:].strip(" ,;") if begun >= 0 else ""
    return [*items, rest] if rest else items


def _address_in(item: str) -> tuple[str, str]:
    if ":" in item and (group := _GROUP.match(item)) and "mailto:" not in group[0]:
        item = item[group.end() :]
    if match := _ADDRESS_IN_BRACKETS.search(item):
        return item[: match.start()], domain_lowered("".join(match[1].split()) if " @" in match[1] else match[1])
    if match := _ADDRESS_BARE.search(item):
        comment = _COMMENT.search(item)
        name = comment[1] if comment else item[: match.start()].strip('<" ')
        return name, domain_lowered(match[0])
    comment = _COMMENT.search(item)
    return (comment[1] if comment else item), ""


def domain_lowered(address: str) -> str:
    """`Ana@Example.ORG.` → `Ana@example.org`: only the domain may be folded (RFC 5321, section 2.4)."""
    is_quoted = address.startswith('"') and '"@' in address
    local, _, domain = address.strip(". " if is_quoted else "'\". ").rpartition("@")
    return f"{local}@{domain.lower()}"


def _unquoted(name: str) -> str:
    """The name without the quotes around it, and without those that lost their other half."""
    name = name.strip().strip("<>,; ")
    if quoted := _QUOTED.fullmatch(name):
        return _ESCAPED.sub(r"\1", quoted[1]).strip().strip("\"'").strip()
    name = _ESCAPED.sub(r"\1", name).replace("<", "")
    if name.startswith("'") and name.endswith("'"):
        name = name[1:-1]
    if name.count('"') % 2 or name.startswith('"'):
        name = name.replace('"', "")
    return name.strip()
