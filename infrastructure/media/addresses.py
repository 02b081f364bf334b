"""Where the guarded getter goes: plain https URLs of hosts that were named to it, at public addresses."""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import msgspec

from application.exchange.media import MediaRefused, Why

URL_LENGTH_MAX = 8_192
HTTPS_PORT = 443
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_PLAIN = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without spaces and backslashes, which browsers, libraries and servers read in different ways."""

_PUBLIC_6 = IPv6Network("2000::/3")
_REFUSED_6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # for the IETF's own use, Teredo among it, which carries any IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries any IPv4 address
        "3fff::/20",  # documentation
    )
]
_REFUSED_4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's NAT; 100.100.100.200 is a cloud's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # looks public, and is a cloud's own host
        "169.254.0.0/16",  # link-local; 169.254.169.254 is most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]
"""IANA's special-purpose registry (RFC 6890 and later), and the addresses where clouds keep credentials."""

_LOOPBACK_4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_6 = IPv6Address("::1")


class Target(msgspec.Struct, frozen=True):
    """A URL that may be asked for."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    """With the query; never empty."""

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


def demand_target(url: str, hosts: Collection[str], *, allow_loopback: bool) -> Target:
    """The URL taken apart, if it is a plain one of these hosts (`.fbcdn.net` means all below it). Raises MediaRefused.

    `allow_loopback` also allows http and any port, as servers of tests have them.
    Refused are user names, ports, other spellings of hosts and addresses, and what two readers may read differently.
    """
    if len(url) > URL_LENGTH_MAX or not _PLAIN.fullmatch(url):
        raise _refused("it is not a plain URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("it is not a URL") from None
    if parts.scheme != "https" and not (allow_loopback and parts.scheme == "http"):
        raise _refused(f"it goes by {parts.scheme or 'nothing'}, not by https")
    if "@" in parts.netloc:
        raise _refused("it names a user")
    if not _HOST.fullmatch(host) or not _is_among(host, hosts):
        raise _refused(f"{host[:253]} is not a host of the provider")
    if port not in (None, HTTPS_PORT) and not allow_loopback:
        raise _refused(f"it names port {port}")
    default_port = HTTPS_PORT if parts.scheme == "https" else 80
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(url, parts.scheme, host, port or default_port, path)


def _is_among(host: str, hosts: Collection[str]) -> bool:
    named = [one.lower() for one in hosts]
    return any(host == one or (one.startswith(".") and len(one) > 1 and host.endswith(one)) for one in named)


def demand_public(address: str, *, allow_loopback: bool) -> str:
    """The address, if it is one of the public internet. Raises MediaRefused.

    Refused are private, shared, loopback, link-local, unique-local, multicast and reserved addresses, those that carry
    an IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64), and where clouds keep their metadata.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        raise _refused(f"{address} is not an address") from None
    if _is_public(found) or (allow_loopback and _is_loopback(found)):
        return address
    raise _refused(f"{address} is not a public address")


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_4)
    return address in _PUBLIC_6 and not any(address in network for network in _REFUSED_6)


def _is_loopback(address: IPv4Address | IPv6Address) -> bool:
    """Not `is_loopback`: since Python 3.13 it is also true of an IPv4 address inside an IPv6 one."""
    return address in _LOOPBACK_4 if isinstance(address, IPv4Address) else address == _LOOPBACK_6


def _refused(reason: str) -> MediaRefused:
    return MediaRefused(reason, is_final=True, why=Why.ADDRESS)
