"""The guarded getter against real servers on loopback: what it gets, what it refuses, and what it never sends."""

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from application.exchange.media import MediaRefused, Why
from infrastructure.media.guarded_get import GuardedGet
from tests.media.scripted_host import Host, a_host, response, tls_for

pytestmark = pytest.mark.anyio
HERE = "127.0.0.1"
PROOF = {"Authorization": "Bearer token"}


def resolving(**addresses: Sequence[str]) -> Any:
    """A resolver that knows these names only; underscores stand for dots."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        known = {name.replace("_", "."): found for name, found in addresses.items()} | {HERE: [HERE]}
        if host not in known:
            raise OSError("no such name")
        return known[host]

    return resolve


@asynccontextmanager
async def getting(**settings: Any) -> AsyncIterator[GuardedGet]:
    get = GuardedGet(**{"bytes_max": 1_000, "seconds_max": 5.0, "allow_loopback": True, **settings})
    try:
        yield get
    finally:
        await get.close()


async def refusal(get: GuardedGet, url: str, *hosts: str, **headers: str) -> tuple[Why, bool]:
    """Why, and whether for good."""
    with pytest.raises(MediaRefused) as refused:
        await get(url, hosts=hosts or (HERE,), headers=headers)
    return refused.value.why, refused.value.is_final


def heads(host: Host) -> list[str]:
    return [head.lower() for head in host.asked]


async def test_it_gets_the_bytes_and_what_they_are_said_to_be() -> None:
    with a_host({"/file?a=b": response(b"\x89PNG", content_type="image/png; x=y")}) as host:
        async with getting() as get:
            fetched = await get(host.url("/file?a=b"), hosts={HERE}, headers=PROOF)

    assert (fetched.body, fetched.content_type) == (b"\x89PNG", "image/png; x=y")
    assert "authorization: bearer token\r\n" in heads(host)[0]
    assert heads(host)[0].startswith(f"get /file?a=b http/1.1\r\nhost: {HERE}:{host.port}\r\n")


async def test_a_name_that_leads_inside_is_refused_before_anything_is_sent() -> None:
    with a_host({"/file": response(b"secret")}) as host:
        for address in ("10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1", "64:ff9b::7f00:1"):
            async with getting(resolver=resolving(cdn_example=[address])) as get:
                assert await refusal(get, host.url(host="cdn.example"), "cdn.example") == (Why.ADDRESS, True)
        async with getting(resolver=resolving(cdn_example=[HERE]), allow_loopback=False) as get:
            assert await refusal(get, "https://cdn.example/file", "cdn.example") == (Why.ADDRESS, True)

    assert host.asked == []


async def test_one_inside_address_among_others_refuses_them_all() -> None:
    with a_host({"/file": response(b"hi")}) as host:
        async with getting(resolver=resolving(cdn_example=[HERE, "10.0.0.1"])) as get:
            assert await refusal(get, host.url(host="cdn.example"), "cdn.example") == (Why.ADDRESS, True)

    assert host.asked == []


async def test_a_name_that_changes_its_address_after_the_check_changes_nothing() -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        del port
        asked.append(host)
        return [HERE] if len(asked) == 1 else ["10.0.0.1"]

    with a_host({"/file": response(b"hi")}) as host:
        async with getting(resolver=rebinding) as get:
            fetched = await get(host.url(host="cdn.example"), hosts={"cdn.example"})

            assert fetched.body == b"hi"
            assert asked == ["cdn.example"]  # once: what was checked is what was connected to
            assert await refusal(get, host.url(host="cdn.example"), "cdn.example") == (Why.ADDRESS, True)


async def test_the_environment_offers_no_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_host({"/file": response(b"proxied")}) as proxy, a_host({"/file": response(b"direct")}) as host:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        async with getting() as get:
            fetched = await get(host.url(), hosts={HERE})

    assert (fetched.body, proxy.asked) == (b"direct", [])


async def test_tls_proves_the_name_although_an_address_is_connected_to(tmp_path: Path) -> None:
    serving, asking = tls_for("cdn.example", tmp_path)
    names = resolving(cdn_example=[HERE], other_example=[HERE])
    with a_host({"/file": response(b"hi")}, serving) as host:
        async with getting(resolver=names, ssl_context=asking) as get:
            fetched = await get(host.url(host="cdn.example", scheme="https"), hosts={"cdn.example"})
            other = await refusal(get, host.url(host="other.example", scheme="https"), "other.example")
        async with getting(resolver=names) as get:
            unknown = await refusal(get, host.url(host="cdn.example", scheme="https"), "cdn.example")

    assert fetched.body == b"hi"
    assert (other, unknown) == ((Why.BROKEN, False), (Why.BROKEN, False))
    assert len(host.asked) == 1


async def test_a_redirect_is_followed_and_keeps_the_proof_on_the_same_host() -> None:
    said = {"/file": response(status=302, location="/there?x=1"), "/there?x=1": response(b"hi")}
    with a_host(said) as host:
        async with getting() as get:
            fetched = await get(host.url(), hosts={HERE}, headers=PROOF)

    assert fetched.body == b"hi"
    assert ["authorization" in head for head in heads(host)] == [True, True]


async def test_a_redirect_to_another_host_goes_without_the_proof() -> None:
    names = resolving(a_example=[HERE], b_example=[HERE])
    with a_host({"/file": response(b"hi")}) as second:
        there = second.url(host="b.example")
        with a_host({"/file": response(status=307, location=there)}) as first:
            async with getting(resolver=names) as get:
                fetched = await get(first.url(host="a.example"), hosts={"a.example", "b.example"}, headers=PROOF)

    assert fetched.body == b"hi"
    assert "authorization" in heads(first)[0]
    assert "authorization" not in heads(second)[0]


@pytest.mark.parametrize(
    "location",
    ["http://evil.example/a", "http://10.0.0.1/a", "file:///etc/passwd", "//evil.example/a", "http://inside.example/a"],
)
async def test_a_redirect_to_where_it_may_not_go_is_refused(location: str) -> None:
    names = resolving(inside_example=["192.168.0.1"], evil_example=[HERE])
    with a_host({"/file": response(status=302, location=location)}) as host:
        async with getting(resolver=names) as get:
            assert await refusal(get, host.url(), HERE, "inside.example") == (Why.ADDRESS, True)

    assert len(host.asked) == 1


async def test_more_than_three_redirects_are_refused() -> None:
    said = {f"/{place}": response(status=302, location=f"/{place + 1}") for place in range(9)}
    with a_host({**said, "/9": response(b"hi")}) as host:
        async with getting() as get:
            assert (await get(host.url("/6"), hosts={HERE})).body == b"hi"
            assert await refusal(get, host.url("/5")) == (Why.ADDRESS, True)


@pytest.mark.parametrize(
    "said",
    [
        response(b"x" * 60_001),
        response(b"x" * 10, content_length="9999999999"),
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"ea61\r\n" + b"x" * 60_001 + b"\r\n0\r\n\r\n",
        response(gzip.compress(b"x" * 60_001), content_encoding="gzip"),
        response(gzip.compress(bytes(50_000_000)), content_encoding="gzip"),
        response(zlib.compress(bytes(1_000_000)), content_encoding="deflate"),
    ],
)
async def test_more_bytes_than_allowed_are_refused_for_good(said: bytes) -> None:
    with a_host({"/file": said}) as host:
        async with getting(bytes_max=60_000) as get:
            assert await refusal(get, host.url()) == (Why.TOO_LARGE, True)


async def test_as_many_bytes_as_allowed_are_taken_packed_or_not() -> None:
    whole = b"x" * 1_000
    packed = response(gzip.compress(whole), content_encoding="GZIP")
    with a_host({"/plain": response(whole), "/packed": packed}) as host:
        async with getting() as get:
            assert (await get(host.url("/plain"), hosts={HERE})).body == whole
            assert (await get(host.url("/packed"), hosts={HERE})).body == whole


@pytest.mark.parametrize(
    "said",
    [
        response(b"short", content_length="100"),
        response(b"no gzip", content_encoding="gzip"),
        response(gzip.compress(b"x" * 1_000)[:-4], content_encoding="gzip"),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal",
        b"not http at all\r\n\r\n",
        b"",
    ],
)
async def test_what_breaks_off_or_makes_no_sense_is_tried_again(said: bytes) -> None:
    with a_host({"/file": said}) as host:
        async with getting() as get:
            assert await refusal(get, host.url()) == (Why.BROKEN, False)


async def test_a_packing_that_was_not_asked_for_and_is_unknown_is_refused() -> None:
    with a_host({"/file": response(b"hi", content_encoding="br")}) as host:
        async with getting() as get:
            assert await refusal(get, host.url()) == (Why.BROKEN, True)

    assert "accept-encoding: identity" in heads(host)[0]


@pytest.mark.parametrize(
    ("status", "why", "is_final"),
    [
        (400, Why.PROVIDER, True),
        (401, Why.PROVIDER, False),
        (403, Why.PROVIDER, False),
        (404, Why.GONE, True),
        (410, Why.GONE, True),
        (429, Why.PROVIDER, False),
        (500, Why.PROVIDER, False),
        (503, Why.PROVIDER, False),
        (304, Why.PROVIDER, False),
    ],
)
async def test_a_status_that_is_no_success_is_refused(status: int, why: Why, *, is_final: bool) -> None:
    with a_host({"/file": response(b"no", status=status)}) as host:
        async with getting() as get:
            assert await refusal(get, host.url()) == (why, is_final)


async def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    with a_host({}) as host:
        async with getting(seconds_max=0.2) as get:
            began = time.monotonic()
            assert await refusal(get, host.url()) == (Why.TOO_SLOW, False)

    assert time.monotonic() - began < 3


async def test_one_who_never_answers_does_not_hold_up_others() -> None:
    with a_host({}) as stuck, a_host({"/file": response(b"hi")}) as host:
        async with getting(seconds_max=3.0) as get:
            waiting = [asyncio.create_task(refusal(get, stuck.url())) for _ in range(8)]
            fetched = await get(host.url(), hosts={HERE})

            assert not any(one.done() for one in waiting)
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
    assert fetched.body == b"hi"


async def test_names_and_servers_that_cannot_be_reached_are_tried_again() -> None:
    with a_host({}) as gone:
        closed = gone.url()
    async with getting(resolver=resolving()) as get:
        assert await refusal(get, closed) == (Why.BROKEN, False)
        assert await refusal(get, "http://nowhere.example/a", "nowhere.example") == (Why.BROKEN, False)


async def test_cookies_are_neither_kept_nor_sent() -> None:
    with a_host({"/file": response(b"hi", set_cookie="a=b; Path=/")}) as host:
        async with getting() as get:
            await get(host.url(), hosts={HERE})
            await get(host.url(), hosts={HERE})

    assert [("cookie" in head) for head in heads(host)] == [False, False]
