"""Languages by their tags (BCP 47), and which of those that somebody knows is the nearest to one that is asked for."""

import re
from collections.abc import Iterable

TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")
"""What a tag looks like: `en`, `zh-Hant`, `pt-BR`."""


def nearest(tag: str, known: Iterable[str]) -> str:
    """Of those known the tag itself, or what is left of it: `zh-Hant-HK` finds `zh-Hant`, or else `zh`; empty for none.

    RFC 4647, section 3.4 (look-up); upper and lower case are the same.
    """
    by_tag = {one.lower(): one for one in known}
    asked = tag.lower()
    while asked and asked not in by_tag:
        asked = asked.rpartition("-")[0]
    return by_tag.get(asked, "")
