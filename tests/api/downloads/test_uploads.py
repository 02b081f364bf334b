"""Files that agents send: uploaded by who holds the conversation, carried by a reply, had by whoever may read it."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import Held, Shop, a_held_conversation, a_shop
from tests.channels.replies import form_of
from tests.channels.scripted_provider import ScriptedProvider, answers, scripted_provider
from tests.waiting import wait_until

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(50)


@pytest.fixture
def provider(deployment: Deployment) -> Iterator[ScriptedProvider]:
    """As Meta's API, on the loop of the server."""
    serving = scripted_provider()
    yield deployment.run(serving.__aenter__())
    deployment.run(serving.__aexit__(None, None, None))


@pytest.fixture
def held(deployment: Deployment, administrator: Caller, provider: ScriptedProvider) -> Held:
    """A conversation on WhatsApp."""
    settings = {"app_secret": "s", "verify_token": "v", "access_token": "t", "api_url": provider.url}
    shop = a_shop(deployment, administrator, "whatsapp", address="1122334455667", settings=settings)
    return a_held_conversation(shop, handle=f"+4930{secrets.randbelow(10**8):08}")


def upload(held: Held, body: bytes = PNG, who: Caller | None = None) -> httpx.Response:
    return (who or held.agent).ask("POST", f"{held.path}/files", content=body)


def replied(held: Held, *media_ids: str, **more: Any) -> httpx.Response:
    named = [{"media_id": one, "name": "../Karte ü.png"} for one in media_ids]
    return held.agent.post(f"{held.path}/reply", {"attachments": named, **more})


def reply_line(held: Held) -> dict[str, Any]:
    """The line of the reply in the timeline, once it was accepted."""
    found: list[dict[str, Any]] = []

    def is_accepted() -> bool:
        lines = held.agent.shown(held.timeline)["items"]
        found[:] = [one for one in lines if one.get("delivery", {}).get("status") == "accepted"]
        return bool(found)

    wait_until(is_accepted, what="the provider accepts")
    return found[0]


def problem_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, kind, and the field that is wrong."""
    problem = answer.json()
    return answer.status_code, problem["type"], problem.get("errors", [{}])[0].get("field", "")


def test_a_file_is_uploaded_sent_and_shown_like_one_that_came(held: Held, provider: ScriptedProvider) -> None:
    provider.script.append(answers(200, {"id": "1013859600285441"}))

    kept = upload(held)
    answer = replied(held, kept.json()["media_id"], text="Here")
    line = reply_line(held)
    got = held.agent.get(f"/v1/customers/{held.customer_id}/media/{kept.json()['media_id']}")
    card = held.agent.shown(f"/v1/conversations/{held.conversation_id}")

    assert (kept.status_code, answer.status_code) == (201, 202)
    assert kept.json()["content_type"] == "image/png"
    (attachment,) = line["event"]["attachments"]
    assert attachment["reference"] == f"media:{kept.json()['media_id']}"
    assert (attachment["name"], attachment["size_bytes"]) == ("Karte ü.png", len(PNG))
    assert form_of(provider.taken[0])["file"] == ("Karte ü.png", "image/png", PNG)
    assert provider.taken[1].json["image"] == {"id": "1013859600285441", "caption": "Here"}
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, PNG, "image/png")
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''Karte%20%C3%BC.png"
    assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert card["preview"] == "Here"


def test_a_reply_without_words_is_shown_by_its_file(held: Held, provider: ScriptedProvider) -> None:
    provider.script.append(answers(200, {"id": "1013859600285441"}))

    done = replied(held, upload(held).json()["media_id"]).json()

    params = {"min_position": done["position"]}
    assert held.agent.shown(f"/v1/conversations/{held.conversation_id}", params=params)["preview"] == "Karte ü.png"


def test_an_upload_changes_nothing_that_an_if_match_names(held: Held) -> None:
    noted = held.agent.done(f"{held.path}/note", {"text": "Wants the map"})
    params = {"min_position": noted["position"]}
    before = held.agent.get(f"/v1/conversations/{held.conversation_id}", params=params).headers["etag"]

    upload(held)

    sent = held.agent.post(f"{held.path}/note", {"text": "Sent"}, headers={"If-Match": before})
    assert sent.status_code == 201, sent.text


def test_a_file_that_is_not_taken_is_refused_at_once(held: Held, provider: ScriptedProvider) -> None:
    wrong = upload(held, b"<html>")
    empty = upload(held, b"")
    form = held.agent.ask("POST", f"{held.path}/files", files={"file": PNG})
    large = upload(held, bytes(held.shop.deployment.parts.settings.media_bytes_max + 1))

    assert problem_of(wrong) == (409, "/problems/file-not-taken", "$.file")
    assert "whatsapp takes no text/html" in wrong.json()["detail"]
    assert problem_of(empty) == (409, "/problems/file-not-taken", "$.file")
    assert problem_of(form)[:2] == (415, "/problems/media-type-unsupported")
    assert problem_of(large) == (413, "/problems/body-too-large", "$")
    assert provider.taken == []


def test_a_reply_with_what_the_channel_does_not_take_is_refused_at_once(held: Held, provider: ScriptedProvider) -> None:
    media_id = upload(held).json()["media_id"]

    assert problem_of(replied(held, media_id, media_id)) == (409, "/problems/file-not-taken", "$.attachments")
    assert problem_of(replied(held, media_id, text="x" * 1_025)) == (409, "/problems/file-not-taken", "$.text")
    assert problem_of(replied(held, "0" * 64)) == (409, "/problems/file-unknown", "$.attachments[0].media_id")
    assert problem_of(replied(held, "0")) == (400, "/problems/invalid", "$.attachments[0].media_id")
    assert problem_of(replied(held)) == (409, "/problems/nothing-to-say", "")
    assert provider.taken == []


def test_only_who_has_the_conversation_uploads_to_it(held: Held) -> None:
    stranger = held.shop.agent(is_available=False)
    media_id = upload(held).json()["media_id"]

    assert upload(held, who=stranger).status_code == 404
    assert stranger.get(f"/v1/customers/{held.customer_id}/media/{media_id}").status_code == 404


def test_an_uploaded_file_is_no_download_before_it_was_sent(held: Held) -> None:
    media_id = upload(held).json()["media_id"]

    assert held.agent.get(f"/v1/customers/{held.customer_id}/media/{media_id}").status_code == 404


def test_a_repeated_reply_has_its_first_answer(held: Held, provider: ScriptedProvider) -> None:
    provider.script.append(answers(200, {"id": "1013859600285441"}))
    body = {"attachments": [{"media_id": upload(held).json()["media_id"]}]}

    first = held.agent.post(f"{held.path}/reply", body, key="once")
    again = held.agent.post(f"{held.path}/reply", body, key="once")

    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    assert again.headers["idempotent-replayed"] == "true"


def test_a_template_leaves_when_the_window_is_closed(held: Held, provider: ScriptedProvider) -> None:
    yesterday = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    late = a_held_conversation(held.shop, handle=f"+4930{secrets.randbelow(10**8):08}", occurred_at=yesterday)
    template = {"name": "order_update", "language": "de", "parameters": ["Ana", "4711"]}

    closed = late.agent.post(f"{late.path}/reply", {"text": "Sorry"})
    sent = late.agent.post(f"{late.path}/reply", {"template": template})
    line = reply_line(late)
    beside = late.agent.post(f"{late.path}/reply", {"template": template, "text": "Hi"})

    assert problem_of(closed)[1] == "/problems/reply-window-closed"
    assert sent.status_code == 202
    assert line["event"]["template"] == template
    assert provider.taken[0].json["template"]["language"] == {"code": "de"}
    assert problem_of(beside) == (409, "/problems/template-stands-alone", "$.text")


def test_the_upload_is_for_channels_that_take_files(deployment: Deployment, administrator: Caller) -> None:
    shop: Shop = a_shop(deployment, administrator)

    refused = upload(a_held_conversation(shop))

    assert problem_of(refused)[:2] == (409, "/problems/channel-takes-no-replies")


def test_a_provider_fetches_by_its_link_what_was_sent_and_nothing_else(
    deployment: Deployment, held: Held, provider: ScriptedProvider
) -> None:
    provider.script.append(answers(200, {"id": "1013859600285441"}))
    media_id, unsent = upload(held).json()["media_id"], upload(held, PNG + b"2").json()["media_id"]
    replied(held, media_id)
    parts, anybody = deployment.parts, deployment.anybody()

    got = anybody.get(parts.links.to(held.customer_id, media_id, parts.clock()))

    assert (got.status_code, got.content, got.headers["content-type"]) == (200, PNG, "image/png")
    assert anybody.get(parts.links.to(held.customer_id, unsent, parts.clock())).status_code == 404
    assert anybody.get(f"/v1/files/{held.customer_id}/{media_id}/1826409600-{'0' * 32}").status_code == 404


def test_what_may_be_sent_is_known_before_anybody_writes(held: Held) -> None:
    limits = held.agent.shown(f"{held.path}/reply_limits")
    stranger = held.shop.agent(is_available=False)

    assert (limits["takes_replies"], limits["text_length_max"], limits["takes_templates"]) == (True, 4_096, True)
    assert limits["until"]
    assert {one["sent_as"]: one["bytes_max"] for one in limits["files"]["kinds"]} == {
        "image": 5_000_000,
        "video": 16_000_000,
        "audio": 16_000_000,
        "document": held.shop.deployment.parts.settings.media_bytes_max,
    }
    assert stranger.get(f"{held.path}/reply_limits").status_code == 404


def test_a_channel_without_replies_says_so_before(deployment: Deployment, administrator: Caller) -> None:
    held = a_held_conversation(a_shop(deployment, administrator))

    assert held.agent.shown(f"{held.path}/reply_limits") == {"takes_replies": False}
