"""What mail programs leave in HTML around what they quote."""

import re
from collections.abc import Iterator
from itertools import islice

import msgspec
from selectolax.lexbor import LexborHTMLParser, LexborNode

HTML_CHARACTERS_READ_MAX = 400_000
WORDS_COMPARED = 6
_MARKED = """
gmail_quote cite divrplyfwdmsg appendonsend yahoo_quoted outlookmessageheader border-top zmail_extra protonmail_quote
tutanota_quote name="quote" name='quote' name=quote
"""
_MARKS = tuple(_MARKED.split())
"""One of these is in every markup that quotes; looking for them is far cheaper than taking the markup apart."""
_SELECTORS = (
    "div.gmail_quote, blockquote.gmail_quote, blockquote[type=cite], #divRplyFwdMsg, #appendonsend, .yahoo_quoted, "
    "#OutlookMessageHeader, .OutlookMessageHeader, .moz-cite-prefix, .zmail_extra, .protonmail_quote, "
    ".tutanota_quote, [name=quote], [style*='border-top:solid'], [style*='border-top: solid']"
)
_FOLLOWS = {"divRplyFwdMsg", "appendonsend", "OutlookMessageHeader"}
_OUTLOOK_LINE = re.compile(r"border:\s*none;\s*border-top:\s*solid\s+#(?:E1E1E1|B5C4DF)\s+1\.0pt", re.IGNORECASE)
_WORD = re.compile(r"\w+")


class Quoted(msgspec.Struct, frozen=True):
    """What the markup says is quoted."""

    is_at_end: bool = False
    """A mark was found, and nothing of the sender's own follows it."""
    words: tuple[str, ...] = ()
    """The quotation's first words, to find its place in the text beside it."""

    def first_line_of(self, lines: list[str]) -> int | None:
        """The line of the plain text that the quotation begins on, or None where its words are not found."""
        if len(self.words) < 2:
            return None
        words = [(word.lower(), number) for number, line in enumerate(lines) for word in _WORD.findall(line)]
        plain = [word for word, _ in words]
        for place in range(len(plain) - len(self.words) + 1):
            if plain[place] == self.words[0] and tuple(plain[place : place + len(self.words)]) == self.words:
                number = words[place][1]
                is_at_start = place == 0 or words[place - 1][1] != number
                return number if is_at_start else None
        return None


def quoted_of(html: str) -> Quoted:
    """Where the first quotation begins that mail programs mark as one. Never raises."""
    if len(html) > HTML_CHARACTERS_READ_MAX or not _is_marked(html.lower()):
        return Quoted()
    tree = LexborHTMLParser(html)
    node = next((one for one in tree.css(_SELECTORS) if _is_mark(one)), None)
    if node is None or _is_answered_below(node):
        return Quoted()
    return Quoted(is_at_end=True, words=tuple(islice(_words_from(node), WORDS_COMPARED)))


def _is_marked(lowered: str) -> bool:
    return any(mark in lowered for mark in _MARKS)


def _is_mark(node: LexborNode) -> bool:
    style = node.attributes.get("style") or ""
    classes = (node.attributes.get("class") or "").split()
    is_marked = bool(classes) or node.id or node.tag == "blockquote" or node.attributes.get("name")
    return bool(is_marked) or _OUTLOOK_LINE.search(style) is not None


def _is_answered_below(node: LexborNode) -> bool:
    """Whether the sender's own text stands below the quotation. What follows Outlook's header is all quoted."""
    style = node.attributes.get("style") or ""
    if node.id in _FOLLOWS or _OUTLOOK_LINE.search(style) or "moz-cite-prefix" in (node.attributes.get("class") or ""):
        below = node.next
        while below is not None and below.tag != "blockquote":
            below = below.next
        if below is None:
            return False
        node = below
    one: LexborNode | None = node
    while one is not None and one.tag not in {"body", "html"}:
        sibling = one.next
        while sibling is not None:
            if sibling.tag not in {"style", "-comment"} and sibling.text(deep=True).strip():
                is_quote = sibling.tag == "blockquote" or "gmail_quote" in (sibling.attributes.get("class") or "")
                if not is_quote:
                    return True
            sibling = sibling.next
        one = one.parent
    return False


def _words_from(node: LexborNode) -> Iterator[str]:
    """The words of the quotation and of all that follows it, in lower case."""
    one: LexborNode | None = node
    while one is not None:
        if one.tag != "style":
            yield from (word[0].lower() for word in _WORD.finditer(one.text(deep=True, separator=" ")))
        sibling = one.next
        while sibling is None and one.parent is not None:
            one = one.parent
            sibling = one.next
        one = sibling
