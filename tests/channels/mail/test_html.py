"""Markup made fit to be shown: nothing that runs, fetches or restyles the page gets through."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from channels.email import parse
from channels.mail.html import ATTRIBUTES, TAGS, sanitised
from tests.channels.corpora import mails

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
VECTORS = (Path(__file__).parent / "attacks.txt").read_text("utf-8").splitlines()
PARTS = [*re.findall(r"<[^<>]*>?|[^<>]+", "".join(VECTORS)), '"', "'", "`", "<", ">", "&", "<!--", "-->", "\x00", "</"]
SCHEME = re.compile(r"(?:https?://|mailto:|tel:|#|cid:)", re.IGNORECASE)


def what_is_wrong(html: str) -> list[str]:
    """As a browser would read it: elements and attributes off the list, and URLs that run or fetch by themselves."""
    wrong: list[str] = []
    tree = LexborHTMLParser(html)
    assert tree.body is not None
    for node in tree.body.traverse():
        if node.tag in {"body", "-text"}:
            continue
        allowed = ATTRIBUTES["*"] | ATTRIBUTES.get(node.tag or "", set()) | {"rel", "target"}
        wrong += [] if node.tag in TAGS else [f"<{node.tag}>"]
        for name, value in node.attributes.items():
            if name not in allowed:
                wrong.append(f"{node.tag} {name}")
            elif (
                (name == "href" and not SCHEME.match(value or ""))
                or (name == "src" and value and value[:4] != "cid:")
                or (name == "data-remote-src" and not re.match(r"(?:https?:)?//", value or "", re.IGNORECASE))
            ):
                wrong.append(f"{name}={value}")
    return wrong


def test_no_known_attack_survives(tell: Callable[[str], None]) -> None:
    harmless = [one for one in VECTORS if not what_is_wrong(sanitised(one))]

    tell(f"Attacks disarmed: {len(harmless)} of {len(VECTORS)}")
    assert len(VECTORS) >= 60
    assert harmless == VECTORS


def test_sanitised_markup_is_sanitised_already() -> None:
    for one in VECTORS:
        once = sanitised(one)
        assert what_is_wrong(f"<div>{once}</div>") == []


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=25).map("".join))
def test_nothing_dangerous_can_be_put_together(html: str) -> None:
    assert what_is_wrong(sanitised(html)) == []


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p onclick=x()>Hi <b>Ana</b></p>", "<p>Hi <b>Ana</b></p>"),
        ('<img src="cid:logo@x">', '<img src="cid:logo@x">'),
        ('<img src="https://t.example/1.gif">', '<img data-remote-src="https://t.example/1.gif">'),
        ("<td>1</td>", "1"),
        ("plain < text", "plain &lt; text"),
        ("", ""),
    ],
)
def test_what_may_be_shown_is_kept(html: str, shown: str) -> None:
    assert sanitised(html) == shown


def test_a_link_opens_elsewhere_and_tells_nobody_where_it_was_clicked() -> None:
    link = LexborHTMLParser(sanitised('<a href="https://shop.example/?a=1&amp;b=2">x</a>')).css_first("a")

    assert link is not None
    assert link.attributes == {
        "href": "https://shop.example/?a=1&b=2",
        "target": "_blank",
        "rel": "noopener noreferrer nofollow",
    }


def test_every_markup_of_the_corpus_is_harmless_afterwards(tell: Callable[[str], None]) -> None:
    read = [parse(raw, received_at=NOON).message.content.html for raw in mails().values()]
    parts = [html for html in read if html]

    harmless = [one for one in parts if not what_is_wrong(sanitised(one))]

    tell(f"Markup of real mails made harmless: {len(harmless)} of {len(parts)}")
    assert len(harmless) == len(parts) > 0
