"""Approved templates of WhatsApp: asked for page by page, and what each trouble of the provider comes to."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from application.exchange.templates import TemplatesNotTold
from channels import whatsapp
from channels.social.whatsapp_templates import PAGES_MAX
from domain.account import AccountDefinition, AccountInvalid
from domain.outbound.templates import Approved, ApprovedButton
from tests.channels.posted import an_account
from tests.channels.scripted_provider import (
    DROPPED,
    SILENCE,
    Scripted,
    Taken,
    answers,
    graph_error,
    patience,
    scripted_provider,
)

ORDER = {
    "name": "order_update",
    "language": "de",
    "status": "APPROVED",
    "category": "UTILITY",
    "id": "1",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Bestellung {{1}}", "example": {"header_text": ["4711"]}},
        {"type": "BODY", "text": "Hallo {{1}},\n{{2}} ist da."},
        {"type": "FOOTER", "text": "Ihr Shop"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "URL", "text": "Verfolgen", "url": "https://shop.example/{{1}}", "example": ["x"]},
                {"type": "QUICK_REPLY", "text": "Stopp"},
            ],
        },
    ],
}


def account(url: str, **settings: str) -> AccountDefinition:
    given = {"app_secret": "s", "verify_token": "v", "access_token": "token-1", "api_url": url, "waba_id": "1022"}
    return an_account("whatsapp", "1122334455667", **(given | settings))


def page(*templates: Any, after: str = "") -> Scripted:
    paging = {"cursors": {"before": "MAZDZD", "after": after or "LAST"}}
    if after:
        paging["next"] = f"http://127.0.0.1:1/v25.0/1022/message_templates?access_token=token-1&after={after}"  # type: ignore[assignment]
    return answers(200, {"data": list(templates), "paging": paging})


def asked(*script: Scripted, **settings: str) -> tuple[tuple[Approved, ...], list[Taken]]:
    """What was found, and what Meta was asked."""

    async def ask() -> tuple[tuple[Approved, ...], list[Taken]]:
        async with (
            scripted_provider(*script) as provider,
            httpx.AsyncClient(timeout=patience(*script)) as client,
        ):
            return await whatsapp.list_templates(account(provider.url, **settings), client), provider.taken

    return asyncio.run(ask())


def query(taken: Taken) -> dict[str, list[str]]:
    return parse_qs(urlsplit(taken.path).query)


def test_a_template_is_told_as_agents_need_it_to_choose() -> None:
    found, (taken,) = asked(page(ORDER))

    assert urlsplit(taken.path).path == "/1022/message_templates"
    assert taken.headers["authorization"] == "Bearer token-1"
    assert query(taken) == {
        "fields": ["name,language,status,category,components"],
        "status": ["APPROVED"],
        "limit": ["100"],
    }
    assert found == (
        Approved(
            name="order_update",
            language="de",
            category="utility",
            header_kind="text",
            header="Bestellung {{1}}",
            body="Hallo {{1}},\n{{2}} ist da.",
            footer="Ihr Shop",
            buttons=(
                ApprovedButton(kind="url", text="Verfolgen", url="https://shop.example/{{1}}"),
                ApprovedButton(kind="quick_reply", text="Stopp"),
            ),
        ),
    )


def test_all_pages_are_asked_for_by_their_cursors_at_our_own_address() -> None:
    found, taken = asked(page(ORDER | {"name": "b"}, after="TWO"), page(ORDER | {"name": "a"}), page(ORDER))

    assert [one.name for one in found] == ["a", "b"]
    assert [query(one).get("after") for one in taken] == [None, ["TWO"]]


def test_pages_without_end_are_left_some_day() -> None:
    _, taken = asked(*(page(after="AGAIN") for _ in range(PAGES_MAX + 5)))

    assert len(taken) == PAGES_MAX


def test_what_is_not_approved_is_left_out_whatever_was_asked_for() -> None:
    found, _ = asked(page(ORDER | {"status": "PAUSED"}, ORDER | {"status": "REJECTED"}, "no template", {}))

    assert found == ()


def test_a_template_of_odd_parts_is_told_as_far_as_it_can_be_read() -> None:
    odd = {"name": "odd", "language": "de", "status": "APPROVED", "components": [{"type": "BODY", "text": 7}, None]}

    ((found,), _) = asked(page(odd | {"category": None}))

    assert (found.name, found.header_kind, found.buttons) == ("odd", "", ())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (SILENCE, "Meta cannot be reached: ReadTimeout"),
        (DROPPED, "Meta cannot be reached: RemoteProtocolError"),
        (graph_error(190, "Token expired", status=401), "Meta refuses: 190 Token expired"),
        (answers(200, {"error": {"code": 4, "message": "Too many calls"}}), "Meta refuses: 4 Too many calls"),
        (answers(200, {}), "Meta refuses: 200 without"),
        (answers(503), "Meta refuses: 503"),
    ],
)
def test_where_meta_does_not_tell_it_says_why(answer: Scripted, told: str) -> None:
    with pytest.raises(TemplatesNotTold, match=told):
        asked(answer)


@pytest.mark.parametrize("missing", ["waba_id", "access_token"])
def test_an_account_that_lacks_a_setting_is_told_which(missing: str) -> None:
    with pytest.raises(AccountInvalid, match=f"settings.{missing}: "):
        asked(**{missing: ""})
