"""The text of an HTML mail, for search and for screens that show no markup. The markup itself is kept beside it."""

import re
from html import unescape

HIDDEN = frozenset({"script", "style", "head", "title", "template"})
_BLOCKS = "br p div tr table ul ol li h1 h2 h3 h4 h5 h6 blockquote hr pre section article header footer dt dd"
BREAKS = frozenset(_BLOCKS.split())

# Every alternative stops at the next angle bracket, so that no input takes more than one look at each character.
_TAG = re.compile(r"<!--|<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>|<[!?][^<>]*>")
_CLOSING = {name: re.compile(rf"</{name}[^<>]*>", re.IGNORECASE) for name in HIDDEN}
_SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")
_EMPTY_LINES = re.compile(r"\n{3,}")


def text_of_html(html: str) -> str:
    r"""What a reader sees, a line for each block; scripts, styles and comments are no text. Never raises.

    Example: `"<p>Hello&nbsp;<b>Ana</b></p><p>Bye</p>"` → `"Hello Ana\n\nBye"`
    """
    pieces: list[str] = []
    position = 0
    unclosed: set[str] = set()
    while tag := _TAG.search(html, position):
        pieces.append(_SPACES.sub(" ", html[position : tag.start()]))
        position = tag.end()
        name = (tag[2] or "").lower()
        if tag[0] == "<!--":
            position = _after(html, "-->", position)
        elif name in HIDDEN and not tag[1] and name not in unclosed:
            closing = _CLOSING[name].search(html, position)
            position = closing.end() if closing else position
            if closing is None:
                unclosed.add(name)  # it hides nothing, nor does any later one
        elif name in BREAKS:
            pieces.append("\n")
        elif name == "td" and not tag[1]:
            pieces.append(" ")
    pieces.append(_SPACES.sub(" ", html[position:]))
    lines = unescape("".join(pieces)).split("\n")
    return _EMPTY_LINES.sub("\n\n", "\n".join(" ".join(line.split()) for line in lines)).strip()


def _after(html: str, end: str, position: int) -> int:
    found = html.find(end, position)
    return len(html) if found < 0 else found + len(end)
