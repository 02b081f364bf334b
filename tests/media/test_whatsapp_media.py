"""WhatsApp's media: asked for by its id, then got from where Meta says, each with the account's token."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from application.exchange.media import Fetched, MediaRefused, Why
from channels import whatsapp
from channels.social.whatsapp_content import content_of
from domain.account import AccountDefinition
from domain.interaction import Attachment
from infrastructure.media.guarded_get import GuardedGet
from tests.media.scripted_host import Host, a_host, response

pytestmark = pytest.mark.anyio
JPEG = b"\xff\xd8\xff\xe0 a picture"
SHA256 = hashlib.sha256(JPEG).hexdigest()
BODY = {"id": "1037", "mime_type": "image/jpeg", "sha256": base64.b64encode(bytes.fromhex(SHA256)).decode()}


@pytest.fixture
async def get() -> AsyncIterator[GuardedGet]:
    opened = GuardedGet(bytes_max=100_000, allow_loopback=True)
    yield opened
    await opened.close()


def account(api_url: str = "", **settings: str) -> AccountDefinition:
    settings = {"app_secret": "s", "verify_token": "v", "access_token": "EAAG", "api_url": api_url} | settings
    return AccountDefinition(channel="whatsapp", name="w", queue_id="q", address="1", settings=settings)


def a_picture() -> Attachment:
    """As a webhook tells of it."""
    (attachment,) = content_of({"type": "image", "image": BODY}).attachments
    return attachment


def meta(host: Host, **more: str) -> bytes:
    """What Meta's API says of the picture, once the host's port is known."""
    found = {"messaging_product": "whatsapp", "url": host.url("/lookaside?mid=1037"), "mime_type": "image/jpeg"}
    return response(json.dumps(found | {"sha256": SHA256, "file_size": str(len(JPEG)), "id": "1037"} | more).encode())


async def fetched(get: GuardedGet, said: Mapping[str, bytes | Sequence[bytes]], **more: str) -> tuple[Fetched, Host]:
    with a_host(said) as host:
        host.said.setdefault("/v25.0/1037", meta(host, **more))
        return await whatsapp.fetch(account(host.url("/v25.0/")), a_picture(), get), host


async def refusal(get: GuardedGet, said: Mapping[str, bytes | Sequence[bytes]], **more: str) -> tuple[Why, bool]:
    with pytest.raises(MediaRefused) as refused:
        await fetched(get, said, **more)
    return refused.value.why, refused.value.is_final


async def test_it_is_got_in_two_steps_each_with_the_token(get: GuardedGet) -> None:
    found, host = await fetched(get, {"/lookaside?mid=1037": response(JPEG, content_type="application/octet-stream")})

    assert found == Fetched(body=JPEG, content_type="image/jpeg")
    assert [head.split(" ")[1] for head in host.asked] == ["/v25.0/1037", "/lookaside?mid=1037"]
    assert all("authorization: bearer eaag\r\n" in head.lower() for head in host.asked)


async def test_a_link_that_was_used_too_late_is_asked_for_again(get: GuardedGet) -> None:
    assert await refusal(get, {"/lookaside?mid=1037": response(status=404)}) == (Why.GONE, False)


async def test_an_id_that_meta_does_not_know_is_refused_for_good(get: GuardedGet) -> None:
    assert await refusal(get, {"/v25.0/1037": response(b"{}", status=404)}) == (Why.GONE, True)
    assert await refusal(get, {"/v25.0/1037": response(b"{}", status=400)}) == (Why.PROVIDER, True)


async def test_an_expired_token_is_tried_again_in_case_it_is_rolled(get: GuardedGet) -> None:
    assert await refusal(get, {"/v25.0/1037": response(b"{}", status=401)}) == (Why.PROVIDER, False)
    with pytest.raises(MediaRefused, match="access_token") as refused:
        await whatsapp.fetch(account(access_token=""), a_picture(), get)
    assert (refused.value.why, refused.value.is_final) == (Why.ACCOUNT, False)


@pytest.mark.parametrize("url", ["https://evil.example/a", "http://169.254.169.254/a", "", "file:///etc/passwd"])
async def test_meta_is_not_followed_to_just_anywhere(get: GuardedGet, url: str) -> None:
    assert await refusal(get, {}, url=url) == (Why.ADDRESS, True)


async def test_bytes_that_do_not_fit_their_hash_are_not_taken(get: GuardedGet) -> None:
    assert await refusal(get, {"/lookaside?mid=1037": response(JPEG + b"!")}) == (Why.BROKEN, False)


@pytest.mark.parametrize("answer", [b"", b"[]", b"<html>", b"{"])
async def test_an_answer_that_makes_no_sense_is_refused_without_breaking(get: GuardedGet, answer: bytes) -> None:
    why, _ = await refusal(get, {"/v25.0/1037": response(answer)})

    assert why in (Why.BROKEN, Why.ADDRESS)


async def test_an_id_cannot_lead_to_another_path_of_the_api(get: GuardedGet) -> None:
    attachment = Attachment(reference="../me?access_token=x#y")
    said = {"/v25.0/..%2Fme%3Faccess_token%3Dx%23y": response(status=404)}
    with a_host(said) as host, pytest.raises(MediaRefused):
        await whatsapp.fetch(account(host.url("/v25.0")), attachment, get)

    assert len(host.asked) == 1
