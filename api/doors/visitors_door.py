"""Visitors of a web chat: a new one gets a token, from a page that the widget belongs on; and a page to begin from."""

import base64
import hashlib
import re
import secrets
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec

from api.http.answer import Answer
from api.http.asked import Asked
from api.http.operation import Nothing, command, read
from api.http.refusals import NotAllowed
from api.parts import Parts
from channels import webchat
from channels.chat.tokens import make_visitor_token
from domain.account import AccountUnknown

VISITOR_TOKEN_DAYS = 90
"""A visitor who stays away for longer is a new one."""
EXAMPLE = Path(__file__).with_name("webchat_example.html")


class VisitorStands(msgspec.Struct, frozen=True, kw_only=True):
    """A visitor, and what their browser keeps to be known again."""

    visitor_id: str
    token: str


def settings_of(parts: Parts, account_id: str) -> webchat.Settings:
    """Of a web chat account. Raises AccountUnknown."""
    account = parts.directory.account(account_id)
    if account is None or account.definition is None or account.definition.channel != "webchat":
        raise AccountUnknown(f"there is no web chat {account_id}")
    return webchat.read_settings(account.definition)


def new_visitor(account_id: str, settings: webchat.Settings, at: datetime, visitor_id: str = "") -> VisitorStands:
    """A token for a new visitor, or a fresh one for a known."""
    visitor_id = visitor_id or secrets.token_hex(16)
    expires_at = at + timedelta(days=VISITOR_TOKEN_DAYS)
    key = settings.visitor_keys[0]
    token = make_visitor_token(visitor_id, account_id=account_id, key=key, expires_at=expires_at)
    return VisitorStands(visitor_id=visitor_id, token=token)


def is_allowed(origin: str | None, settings: webchat.Settings) -> bool:
    """Programs send no Origin; a browser's page must be one that the widget belongs on."""
    return origin is None or origin in settings.origins


@command(
    "/v1/webchat/{account_id}/visitors",
    None,
    gives=VisitorStands,
    status=201,
    key="none",
    statuses=(403, 404, 429),
)
async def welcome_visitor(asked: Asked[Nothing]) -> Answer:
    """Become a visitor of a web chat.

    For pages on the widget's list of origins. Takes no body, so that a browser asks without a preflight. The token
    goes into the `hello` of the socket; at most 60 a minute from one address.
    """
    account_id = asked.ids["account_id"]
    settings = settings_of(asked.parts, account_id)
    origin = asked.header(b"origin")
    if not is_allowed(origin, settings):
        raise NotAllowed("this page is not one that the web chat belongs on")
    asked.edge.visitors_per_address.count(asked.address)
    headers = [] if origin is None else [("access-control-allow-origin", origin), ("vary", "origin")]
    visitor = new_visitor(account_id, settings, asked.at)
    return Answer(201, msgspec.json.encode(visitor), headers)


@read("/v1/webchat/{account_id}/example", None, gives=None, answer_media_type="text/html", statuses=(404,))
async def show_example(asked: Asked[Nothing]) -> Answer:
    """A page with a small widget for this web chat.

    One file of plain JavaScript to begin from. To work, this server's own origin must be among the account's `origins`.
    """
    settings_of(asked.parts, asked.ids["account_id"])
    page, policy = _example()
    return Answer(200, page, [("content-security-policy", policy)], "text/html; charset=utf-8")


@cache
def _example() -> tuple[bytes, str]:
    """The page, and the policy under which it runs its own script and style, and reaches nothing but this server."""
    page = EXAMPLE.read_bytes()

    def allowed(tag: str) -> str:
        (inner,) = re.findall(f"<{tag}>(.*?)</{tag}>".encode(), page, re.DOTALL)
        return f"'sha256-{base64.b64encode(hashlib.sha256(inner).digest()).decode()}'"

    sources = f"script-src {allowed('script')}; style-src {allowed('style')}; connect-src 'self'"
    return page, f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


OPERATIONS = (welcome_visitor, show_example)
