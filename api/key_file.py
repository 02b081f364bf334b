"""Keys of an embedded deployment: made at first start and kept beside its data, readable by its owner alone."""

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from api.settings import Settings, SettingWrong

FILE_NAME = "keys.json"


def new_key() -> str:
    """Base64 of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


class _Kept(msgspec.Struct):
    """What the file holds, each as base64."""

    master_keys: tuple[str, ...]
    claim_key: str
    token_key: str


def with_kept_keys(settings: Settings) -> Settings:
    """The settings with the keys from the data directory where they name none. Makes the file where it is missing.

    Without this file the data cannot be read: back it up apart from the data. Raises SettingWrong.
    """
    if settings.master_keys:
        return settings
    path = settings.data_directory / FILE_NAME
    settings.data_directory.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        _make(path)
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError) as error:
        raise SettingWrong(f"{path} cannot be read: {error}") from error
    return replace(settings, master_keys=kept.master_keys, claim_key=kept.claim_key, token_key=kept.token_key)


def _make(path: Path) -> None:
    """Whole or not at all: a file cut off by a crash would lock everybody out. Raises FileExistsError."""
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(_Kept((new_key(),), new_key(), new_key())))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    finally:
        draft.unlink()
