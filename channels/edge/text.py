"""Cleaning of what people and providers write: text, names, file names."""

import re

from domain.languages import TAG

NAME_LENGTH_MAX = 256
"""Characters of a name, a subject or a file name; the rest is cut."""

_SURROGATES = re.compile("[\ud800-\udfff]+")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")
"""Bidirectional controls, zero-width spaces, lone surrogates: a name must not look like another one.

Joiners stay, since Persian names and emoji need them.
"""
_PATH = re.compile(r"[/\\:]+")


def clean(text: str) -> str:
    """The text without what PostgreSQL cannot store: NUL and lone surrogates."""
    text = text.replace("\0", "") if "\0" in text else text
    if text.isascii():
        return text
    try:
        text.encode()  # a hundred times faster than to search for surrogates
    except UnicodeEncodeError:
        return _SURROGATES.sub("", text)
    return text


def without_controls(text: str) -> str:
    """The text without control characters, save tabs and line ends."""
    # isprintable() is false for every control character, and far cheaper than the search.
    if text.isprintable() or text.replace("\n", " ").isprintable():
        return text
    return _CONTROLS.sub("", text)


def one_line(text: str, *, length_max: int = NAME_LENGTH_MAX) -> str:
    """A name or subject: one line, single spaces, nothing unseen, cut at the limit."""
    if text.isprintable():
        return " ".join(text[: 2 * length_max].split())[:length_max]
    seen = _UNSEEN.sub("", _LINE_CONTROLS.sub(" ", text[: 8 * length_max]))
    return " ".join(seen.split())[:length_max]


def language_tag(text: str) -> str:
    """A language as BCP 47 names it, in the usual form; empty for what is none.

    Example: `"pt_br"` → `"pt-br"`, `" de-AT "` → `"de-AT"`, `"*"` → `""`
    """
    tag = text.strip().replace("_", "-")
    return tag if TAG.fullmatch(tag) else ""


def file_name(text: str) -> str:
    r"""A file's bare name, safe to show: no path, no control or bidirectional characters.

    Example: `"..\\..\\evil\u202egpj.exe"` → `"evilgpj.exe"`
    """
    return _PATH.split(one_line(text, length_max=4 * NAME_LENGTH_MAX))[-1].strip(". ")[-NAME_LENGTH_MAX:]
