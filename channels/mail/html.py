"""A mail's markup made fit to be shown: what is not on the list is gone, and nothing is fetched from elsewhere."""

import re

import nh3
from selectolax.lexbor import LexborHTMLParser

_TAGS = """
a abbr address article b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em
figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ol p pre q rp rt ruby s samp
section small span strike strong sub sup table tbody td tfoot th thead time tr tt u ul var wbr
"""
TAGS = frozenset(_TAGS.split())
_GONE = "script style title template noscript iframe object embed applet svg math textarea select xmp noembed noframes"
GONE_WITH_THEIR_TEXT = frozenset(_GONE.split())
_CELL = {"align", "valign", "colspan", "rowspan", "width", "height", "bgcolor"}
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "data-remote-src"},
    "table": {"align", "border", "cellpadding", "cellspacing", "width", "bgcolor"},
    "td": _CELL,
    "th": _CELL,
    "tr": {"align", "valign", "bgcolor"},
    "col": {"width", "span"},
    "ol": {"start", "type"},
    "font": {"color", "face", "size"},
    "blockquote": {"type"},
}
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox "
    "allow-popups allow-popups-to-escape-sandbox"
)
"""Sent with the markup: even if something got through, it may neither run nor fetch."""
_REMOTE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_FOLLOWED = re.compile(r"(?:https?://|mailto:|tel:|#)", re.IGNORECASE)
_INLINE = re.compile(r"cid:[^\s\"'<>]{1,256}", re.IGNORECASE)
_SCHEMES = {"http", "https", "mailto", "tel", "cid"}


def sanitised(html: str) -> str:
    """The markup without scripts, styles, forms, frames and remote images. Never raises.

    Remote images keep their address as `data-remote-src`, to be loaded when somebody asks for them; images of the mail
    itself keep `src="cid:…"`. Links open elsewhere and tell nobody where they were clicked.

    Example: `'<p onclick="x()">Hi <img src="https://t.example/1.gif">'` →
    `'<p>Hi <img data-remote-src="https://t.example/1.gif"></p>'`
    """
    tree = LexborHTMLParser(html)
    for image in tree.css("img"):
        source = image.attributes.get("src") or ""
        if "data-remote-src" in image.attributes:
            del image.attrs["data-remote-src"]
        if _REMOTE.match(source):
            image.attrs["data-remote-src"] = source.strip()
            del image.attrs["src"]
    return nh3.clean(
        tree.html or "",
        tags=set(TAGS),
        clean_content_tags=set(GONE_WITH_THEIR_TEXT),
        attributes=ATTRIBUTES,
        attribute_filter=_kept,
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """The attribute's value, or None to drop it. A URL without a scheme would be one of ours."""
    if attribute == "href":
        return value if _FOLLOWED.match(value) else None
    if attribute == "src":
        return value if _INLINE.fullmatch(value) else None
    if attribute == "data-remote-src":
        return value if tag == "img" and _REMOTE.match(value) else None
    return value
