"""WhatsApp's approved templates, as Meta tells them: asked for page by page, and read into what agents choose from."""

from typing import Any

import httpx

from application.exchange.sending import Rejected, Unknown
from application.exchange.templates import TemplatesNotTold
from channels.edge.graph import GraphAccess, outcome_of
from channels.edge.payload import a_dict, a_text, dicts
from channels.edge.posting import json_of
from channels.edge.text import clean, one_line
from domain.account import AccountInvalid
from domain.outbound.templates import Approved, ApprovedButton

PAGE = 100
PAGES_MAX = 60
"""A WhatsApp Business Account has at most 6,000 templates (Business Management API, "Message templates")."""
FIELDS = "name,language,status,category,components"


async def list_approved(access: GraphAccess, waba_id: str, client: httpx.AsyncClient) -> tuple[Approved, ...]:
    """By name and language. `GET {api_url}/{waba_id}/message_templates`, with cursors from page to page.

    The next page is asked for with `paging.cursors.after`, at the address that the settings name: the whole address
    that `paging.next` holds is where a token would go to whoever wrote the answer. Raises AccountInvalid,
    TemplatesNotTold.

    Example: `{"data": [{"name": "order_update", "language": "de", "status": "APPROVED", "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hallo {{1}}"}]}], "paging": {"cursors": {"after": "MAZDZD"}, "next": "…"}}`
    """
    if not waba_id:
        raise AccountInvalid("settings.waba_id: this account has none; it is the id of its WhatsApp Business Account")
    if not access.token:
        raise AccountInvalid("settings.access_token: this account has none, so it only receives")
    asked, found = {"fields": FIELDS, "status": "APPROVED", "limit": str(PAGE)}, list[Approved]()
    url, headers = f"{access.api_url}/{waba_id}/message_templates", {"authorization": f"Bearer {access.token}"}
    for _ in range(PAGES_MAX):
        page = await _page(client, url, asked, headers)
        found += [_approved(one) for one in dicts(page.get("data")) if a_text(one.get("status")) == "APPROVED"]
        paging = a_dict(page.get("paging"))
        after = a_text(a_dict(paging.get("cursors")).get("after"))
        if not after or not paging.get("next"):
            break
        asked["after"] = after
    return tuple(sorted(found, key=lambda one: (one.name, one.language)))


async def _page(client: httpx.AsyncClient, url: str, asked: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
    try:
        answer = await client.get(url, params=asked, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TemplatesNotTold(f"Meta cannot be reached: {one_line(type(error).__name__)}") from error
    page = json_of(answer)
    if answer.is_success and isinstance(page.get("data"), list):
        return page
    outcome = outcome_of(answer)
    reason = outcome.reason if isinstance(outcome, Rejected | Unknown) else "the answer cannot be read"
    raise TemplatesNotTold(f"Meta refuses: {reason}")


def _approved(told: dict[str, Any]) -> Approved:
    parts = {a_text(one.get("type")).upper(): one for one in dicts(told.get("components"))}
    header = parts.get("HEADER", {})
    return Approved(
        name=one_line(a_text(told.get("name"))),
        language=one_line(a_text(told.get("language"))),
        category=one_line(a_text(told.get("category"))).lower(),
        header_kind=one_line(a_text(header.get("format"))).lower(),
        header=clean(a_text(header.get("text"))),
        body=clean(a_text(parts.get("BODY", {}).get("text"))),
        footer=clean(a_text(parts.get("FOOTER", {}).get("text"))),
        buttons=tuple(
            ApprovedButton(
                kind=one_line(a_text(one.get("type"))).lower(),
                text=one_line(a_text(one.get("text"))),
                url=one_line(a_text(one.get("url"))),
            )
            for one in dicts(parts.get("BUTTONS", {}).get("buttons"))
        ),
    )
