"""The guarded getter: an HTTP GET to a provider's media that cannot be turned against the inside network."""

import asyncio
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from urllib.parse import urljoin

import httpcore
from typing_extensions import override

from application.exchange.media import Fetched, MediaRefused, Why
from infrastructure.media.addresses import Target, demand_public, demand_target

SECONDS_MAX = 60.0
"""For one GET with all its redirects, whatever the other side does."""
CONNECT_SECONDS_MAX = 10.0
"""For one connection, and for a server to say anything."""
REDIRECTS_MAX = 3
KEPT_OPEN_SECONDS = 5.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_MAY_PASS = frozenset({401, 403, 408, 425, 429})
"""Of 4xx: a token that is rolled, or too much at once. Others will say the same tomorrow."""
_SEALED = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
"""Content encodings that are undone, with zlib's name for each. We ask for none of them; some servers do not care."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises OSError."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the machine resolves it. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedGet:
    """The port `application.exchange.media.Get`. Resolves each name itself, and connects to the very address that it
    has checked, so that a name that changes in between changes nothing; TLS still proves the name.

    Knows no cookies and no proxies, and reads nothing from the environment. Connections are used again for a while.
    """

    def __init__(
        self,
        *,
        bytes_max: int,
        seconds_max: float = SECONDS_MAX,
        resolver: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
        allow_loopback: bool = False,
    ) -> None:
        self._bytes_max = bytes_max
        self._seconds_max = seconds_max
        self._allow_loopback = allow_loopback
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or httpcore.default_ssl_context(),  # else a new one for each connection
            max_connections=None,  # whoever asks has a limit an account; one for all would let some hold up others
            keepalive_expiry=KEPT_OPEN_SECONDS,
            network_backend=_CheckedNetwork(resolver, allow_loopback=allow_loopback),
        )

    async def close(self) -> None:
        await self._pool.aclose()

    async def __call__(self, url: str, *, hosts: Collection[str], headers: Mapping[str, str] = {}) -> Fetched:
        """As the port. A body over the limit, also once it is unpacked, is cut off where it passes it."""
        try:
            async with asyncio.timeout(self._seconds_max):
                return await self._follow(url, hosts, headers)
        except (TimeoutError, httpcore.TimeoutException):
            raise MediaRefused("it took too long", is_final=False, why=Why.TOO_SLOW) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
            raise _broken(f"the connection failed: {error}") from error

    async def _follow(self, url: str, hosts: Collection[str], headers: Mapping[str, str]) -> Fetched:
        target = demand_target(url, hosts, allow_loopback=self._allow_loopback)
        for _ in range(REDIRECTS_MAX + 1):
            found = await self._ask(target, headers)
            if isinstance(found, Fetched):
                return found
            after = demand_target(urljoin(target.url, found), hosts, allow_loopback=self._allow_loopback)
            if after.origin != target.origin:
                headers = {}  # what they prove was meant for the first host
            target = after
        raise MediaRefused(f"it was redirected more than {REDIRECTS_MAX} times", is_final=True, why=Why.ADDRESS)

    async def _ask(self, target: Target, headers: Mapping[str, str]) -> Fetched | str:
        """The bytes, or where to ask instead."""
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        own = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "onethread"}
        given = [(name.lower().encode(), value.encode()) for name, value in (own | dict(headers)).items()]
        limits = dict.fromkeys(("connect", "read", "write", "pool"), CONNECT_SECONDS_MAX)
        async with self._pool.stream("GET", url, headers=given, extensions={"timeout": limits}) as response:
            said = {name.lower(): value for name, value in reversed(response.headers)}
            if response.status in _REDIRECTS and b"location" in said:
                return said[b"location"].decode("latin-1")
            if not 200 <= response.status < 300:
                raise _refused_by(response.status)
            body = await self._read(response, said)
            kind = said.get(b"content-type", b"").decode("latin-1")
            return Fetched(body=body, content_type="".join(filter(str.isprintable, kind))[:127].strip())

    async def _read(self, response: httpcore.Response, said: Mapping[bytes, bytes]) -> bytes:
        length = said.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._bytes_max:
            raise self._too_large()
        encoding = said.get(b"content-encoding", b"identity").strip().lower() or b"identity"
        chunks = response.aiter_stream()
        if encoding != b"identity":
            if encoding not in _SEALED:
                raise MediaRefused(f"it is packed as {encoding.decode('latin-1')[:40]}", is_final=True, why=Why.BROKEN)
            chunks = _unpacked(chunks, _SEALED[encoding], self._bytes_max + 1)
        body = bytearray()
        async for chunk in chunks:
            body += chunk
            if len(body) > self._bytes_max:
                raise self._too_large()
        return bytes(body)

    def _too_large(self) -> MediaRefused:
        return MediaRefused(f"it has more than {self._bytes_max} bytes", is_final=True, why=Why.TOO_LARGE)


async def _unpacked(chunks: AsyncIterator[bytes], window: int, piece_bytes_max: int) -> AsyncIterator[bytes]:
    """What was packed, in pieces, so that a few bytes cannot become gigabytes before somebody counts them."""
    unpacker = zlib.decompressobj(window)
    try:
        async for chunk in chunks:
            rest = chunk
            while rest and not unpacker.eof:
                yield unpacker.decompress(rest, piece_bytes_max)
                rest = unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error as error:
        raise _broken(f"it cannot be unpacked: {error}") from error
    if not unpacker.eof:
        raise _broken("it ends before it is complete")


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to what a name resolves to, if all of that is public."""

    def __init__(self, resolver: Resolve, *, allow_loopback: bool) -> None:
        self._resolver = resolver
        self._allow_loopback = allow_loopback
        self._network = httpcore.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises MediaRefused, and what httpcore's own raise."""
        try:
            addresses = await self._resolver(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error
        # One that is not public among others that are is an attempt: nobody needs that.
        checked = [demand_public(address, allow_loopback=self._allow_loopback) for address in addresses]
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in dict.fromkeys(checked):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _refused_by(status: int) -> MediaRefused:
    if status in _GONE:
        return MediaRefused(f"the provider says {status}: it is gone", is_final=True, why=Why.GONE)
    is_final = 400 <= status < 500 and status not in _MAY_PASS
    return MediaRefused(f"the provider says {status}", is_final=is_final, why=Why.PROVIDER)


def _broken(reason: str) -> MediaRefused:
    return MediaRefused(reason, is_final=False, why=Why.BROKEN)
