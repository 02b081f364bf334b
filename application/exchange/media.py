"""The port for media: how the bytes of an attachment are got from the provider that keeps them."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

import msgspec

from domain.account import AccountDefinition
from domain.interaction import Attachment


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment's bytes, as the provider gave them."""

    body: bytes
    content_type: str = ""
    """What the provider says it is; what it really is, its bytes say."""
    name: str = ""


class MediaRefused(Exception):
    """The provider will not give it, now or ever."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class Get(Protocol):
    """An HTTP GET that cannot be turned against the inside network."""

    async def __call__(self, url: str, *, hosts: Collection[str], headers: Mapping[str, str] = {}) -> Fetched:
        """Goes only to these hosts (`.fbcdn.net` means all below it), by https, at a public address; also when it is
        redirected, and then without the headers where the host changes.

        Raises MediaRefused: for a status that is not 2xx, for too many bytes, for a host that is not allowed.
        """
        ...


Fetch = Callable[[AccountDefinition, Attachment, Get], Awaitable[Fetched]]
"""Gets the bytes of one attachment by its reference. Raises MediaRefused."""
