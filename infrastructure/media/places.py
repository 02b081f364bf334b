"""Where objects are kept: a directory of this machine, or a bucket of any server that speaks S3."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from application.exchange.media import MediaNotStored

if TYPE_CHECKING:
    from obstore.store import S3Config

SECONDS_MAX = timedelta(seconds=30)
"""For one request to S3, and for all its repetitions; then the bucket counts as out of reach."""
RETRIES_MAX = 2
NAMES_AT_ONCE = 8


class Place(Protocol):
    """Keeps objects by name; each is whole or not there."""

    async def put(self, name: str, body: bytes) -> None:
        """Durable when it returns; replaces what was there. Raises MediaNotStored."""

    async def get(self, name: str, length: int | None = None) -> bytes | None:
        """Its first `length` bytes, or all; None where there is nothing. Raises MediaNotStored where it cannot tell."""

    def names(self) -> AsyncIterator[list[str]]:
        """The names of all objects, some at a time, in no order. Raises MediaNotStored."""


class Folder:
    """Objects as files, written beside their place and renamed. The directory is made with the first."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    async def put(self, name: str, body: bytes) -> None:
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            await _put(LocalStore(self._path), name, body)
            await asyncio.to_thread(_make_durable, self._path / name)
        except OSError as error:
            raise MediaNotStored(str(error)) from error

    async def get(self, name: str, length: int | None = None) -> bytes | None:
        return await _get(LocalStore(self._path), name, length) if self._path.exists() else None

    async def names(self) -> AsyncIterator[list[str]]:
        if self._path.exists():
            async for some in _names(LocalStore(self._path)):
                yield some


class Bucket:
    """Objects in a bucket, each put in one request."""

    def __init__(self, url: str, *, endpoint: str, region: str, access_key: str, secret_key: str) -> None:
        """`s3://bucket/prefix`. Without an endpoint it is Amazon's; without keys the machine's own role is asked."""
        parts = urlsplit(url)
        config: S3Config = {"region": region or "us-east-1"}
        if endpoint:
            config["endpoint"] = endpoint
        if access_key:
            config["access_key_id"], config["secret_access_key"] = access_key, secret_key
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options={"timeout": SECONDS_MAX, "allow_http": endpoint.startswith("http://")},
            retry_config={"max_retries": RETRIES_MAX, "retry_timeout": SECONDS_MAX},
        )

    async def put(self, name: str, body: bytes) -> None:
        await _put(self._store, name, body)

    async def get(self, name: str, length: int | None = None) -> bytes | None:
        return await _get(self._store, name, length)

    def names(self) -> AsyncIterator[list[str]]:
        return _names(self._store)


async def _put(store: LocalStore | S3Store, name: str, body: bytes) -> None:
    try:
        await obstore.put_async(store, name, body, use_multipart=False)
    except (BaseError, OSError) as error:
        raise MediaNotStored(_first_line(error)) from error


async def _get(store: LocalStore | S3Store, name: str, length: int | None) -> bytes | None:
    try:
        if length is not None:
            return bytes(await obstore.get_range_async(store, name, start=0, length=length))
        found = await obstore.get_async(store, name)
        return bytes(await found.bytes_async())
    except FileNotFoundError:
        return None
    except (BaseError, OSError) as error:
        raise MediaNotStored(_first_line(error)) from error


async def _names(store: LocalStore | S3Store) -> AsyncIterator[list[str]]:
    try:
        async for some in obstore.list(store, chunk_size=NAMES_AT_ONCE):
            yield [one["path"] for one in some]
    except (BaseError, OSError) as error:
        raise MediaNotStored(_first_line(error)) from error


def _make_durable(file: Path) -> None:
    """The rename has happened; after this it also survives a power cut."""
    for path in (file, file.parent, file.parent.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _first_line(error: Exception) -> str:
    """The library adds a page of debugging below its sentence."""
    return str(error).partition("\n")[0][:300]
