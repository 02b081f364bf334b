"""Pages of views: wait until the view has reached what the caller did, then send its rows as they are kept."""

import asyncio
import time
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from api.http.answer import Answer, json_answer
from api.http.fields import PositionNumber
from api.http.refusals import ViewBehind
from api.parts import Parts
from application.views import Page

WAIT_SECONDS_MAX = 2.0
POLL_SECONDS = 0.03
"""Where the projection runs in another process, its position is asked for this often."""
Limit = Annotated[int, Meta(ge=1, le=200)]
Cursor = Annotated[str, Meta(min_length=1, max_length=500)]
T = TypeVar("T")


class ViewQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every read of a view takes."""

    min_position: PositionNumber = 0
    """Wait up to 2 seconds until the view shows what led to this position; 503 where it does not by then."""


class PageQuery(ViewQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every page takes."""

    limit: Limit = 50
    cursor: Cursor | None = None
    """`next_cursor` of the page before."""


class _PageShown(msgspec.Struct):
    position: int
    items: list[msgspec.Raw]
    next_cursor: str | None


async def demand_position(parts: Parts, view: str, position: int) -> None:
    """The view shows what led to the position. Raises ViewBehind."""
    if position <= 0:
        return
    follower, deadline = parts.followers.get(view), time.monotonic() + WAIT_SECONDS_MAX
    while True:
        # The projection may run here, or in another process that only the database can tell of.
        if follower is not None and await follower.reached(position, POLL_SECONDS):
            return
        if await parts.views.position(view) >= position:
            return
        if time.monotonic() >= deadline:
            raise ViewBehind
        if follower is None:
            await asyncio.sleep(POLL_SECONDS)


def page_answer(page: Page) -> Answer:
    """`{"position": 42, "items": […], "next_cursor": "…"}`; the rows go out as the bytes they are kept as."""
    rows = [msgspec.Raw(row) for row in page.rows]
    shown = _PageShown(page.position, rows, page.next_cursor)
    return json_answer(shown, headers=[("onethread-position", str(page.position))])


def page_of(item: type[T], name: str) -> type[msgspec.Struct]:
    """The type of a page of such items, for the document."""
    return msgspec.defstruct(
        name,
        [("position", int), ("items", list[item]), ("next_cursor", str | None)],  # type: ignore[valid-type]
        namespace={"__doc__": "A page. `position` is what the view stood at; the last page has no `next_cursor`."},
    )
