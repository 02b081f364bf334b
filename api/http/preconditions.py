"""Preconditions (RFC 9110, 13): entity tags are the revision of a conversation, `"7"`."""

import re

from api.http.refusals import Invalid

NEVER = -1
"""A revision that nothing ever has: the condition cannot hold."""
HEADER_CHARACTERS_MAX = 1_000
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"\s*{_TAG}(?:\s*,\s*{_TAG})*\s*")
_EACH = re.compile(r'(W/)?"([^"]*)"')
_UNQUOTED = re.compile(r"[0-9]{1,17}")
"""A revision whose quotes a client has taken off is understood all the same."""


def etag(revision: int) -> str:
    """The strong entity tag of a revision."""
    return f'"{revision}"'


def expected_revision(if_match: str | None) -> int | None:
    """The revision to decide at; None where any will do. Weak tags never match here. Raises Invalid."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [tag for weak, tag in _tags(if_match, "If-Match") if not weak]
    if len(tags) > 1:
        raise Invalid("header.If-Match", "one entity tag, as the conversation's ETag gave it")
    return int(tags[0]) if tags and tags[0].isascii() and tags[0].isdigit() and len(tags[0]) < 18 else NEVER


def is_unchanged(if_none_match: str | None, revision: int) -> bool:
    """Whether the caller has this revision already. Weak tags match here. Raises Invalid."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return str(revision) in [tag for _, tag in _tags(if_none_match, "If-None-Match")]


def _tags(header: str, name: str) -> list[tuple[str, str]]:
    if _UNQUOTED.fullmatch(header.strip()):
        return [("", header.strip())]
    if len(header) > HEADER_CHARACTERS_MAX or not _TAGS.fullmatch(header):
        raise Invalid(f"header.{name}", 'entity tags in double quotes, as in "7"', HEADER_CHARACTERS_MAX)
    return _EACH.findall(header)
