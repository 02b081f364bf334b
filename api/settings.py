"""Every setting, read once from the environment: its variable, type, default and why it is there."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

PREFIX = "ONETHREAD_"


class SettingWrong(Exception):
    """A setting that cannot be used; the message names the variable and says what it takes."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. The variable's name stands first in each line of why."""

    database_url: str = ""
    """DATABASE_URL: PostgreSQL 18, without a pooler in between. Empty: an embedded server under `data_directory`."""
    nats_url: str = ""
    """NATS_URL: one or several, comma-separated. Empty: an embedded server under `data_directory`."""
    nats_replicas: Annotated[int, Meta(ge=1, le=5)] = 1
    """ONETHREAD_NATS_REPLICAS: servers of a NATS cluster that keep each adapter message. With 1 the door over NATS
    is shut while the one that has them is away; a cluster of three takes 3."""
    data_directory: Path = Path(".onethread")
    """ONETHREAD_DATA_DIRECTORY: where the embedded servers and, with them, the keys are kept."""
    host: str = "127.0.0.1"
    """ONETHREAD_HOST: address to listen on. Only this machine by default."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000
    """ONETHREAD_PORT: port to listen on; 0 takes a free one."""
    readers: Literal["on", "off"] = "on"
    """ONETHREAD_READERS: whether `serve` also runs projections, router and senders. Off where `work` runs them."""
    master_keys: tuple[str, ...] = ()
    """ONETHREAD_MASTER_KEYS: base64 of 32 bytes each, comma-separated. The first wraps the streams' keys, the others
    still unwrap. With embedded servers they are made at first start."""
    claim_key: str = ""
    """ONETHREAD_CLAIM_KEY: base64 of 32 bytes or more. It must never change: what was claimed is known by it."""
    token_key: str = ""
    """ONETHREAD_TOKEN_KEY: base64 of 32 bytes or more. Signs tokens and tickets; a new one signs everybody out."""
    allowed_origins: tuple[str, ...] = ()
    """ONETHREAD_ALLOWED_ORIGINS: comma-separated origins whose pages may open sockets, as in `https://desk.example`.
    Programs that send no Origin are let in by their ticket alone."""
    trusted_proxies: tuple[str, ...] = ()
    """ONETHREAD_TRUSTED_PROXIES: comma-separated addresses or networks of proxies in front of us, as in `10.0.0.0/8`.
    Only from them is X-Forwarded-For believed, which sign-in limits go by."""
    public_url: Annotated[str, Meta(pattern=r"^(https?://[^/?#\s]+)?(/[^?#\s]*)?$")] = ""
    """ONETHREAD_PUBLIC_URL: where providers reach us, as in `https://cc.shop.example`; some sign it, some fetch
    files that we send. Empty: as each request says, and such files are not taken."""
    token_seconds: Annotated[int, Meta(ge=60, le=86_400)] = 900
    """ONETHREAD_TOKEN_SECONDS: how long a sign-in lasts; a client renews it in time."""
    ticket_seconds: Annotated[int, Meta(ge=5, le=300)] = 30
    """ONETHREAD_TICKET_SECONDS: how long a socket ticket may be used, once."""
    body_bytes_max: Annotated[int, Meta(ge=65_536)] = 4_194_304
    """ONETHREAD_BODY_BYTES_MAX: largest request. WhatsApp alone may send 3 MB."""
    mail_bytes_max: Annotated[int, Meta(ge=65_536)] = 41_943_040
    """ONETHREAD_MAIL_BYTES_MAX: largest raw mail."""
    media_bytes_max: Annotated[int, Meta(ge=65_536, le=268_435_456)] = 26_214_400
    """ONETHREAD_MEDIA_BYTES_MAX: largest attachment that is kept. It is in memory whole, four at once an account."""
    bodies_bytes_max: Annotated[int, Meta(ge=1_048_576)] = 134_217_728
    """ONETHREAD_BODIES_BYTES_MAX: of all large bodies under way together; beyond, requests get 503. One always goes."""
    media_store: Annotated[str, Meta(pattern="^(s3://[a-z0-9][a-z0-9.-]+(/.*)?)?$")] = ""
    """ONETHREAD_MEDIA_STORE: `s3://bucket/prefix` keeps attachments on S3. Empty: in `media` of the data directory,
    which all processes of a deployment must then share."""
    media_s3_endpoint: Annotated[str, Meta(pattern="^(https?://.+)?$")] = ""
    """ONETHREAD_MEDIA_S3_ENDPOINT: of a server that speaks S3. Empty: Amazon's."""
    media_s3_region: str = ""
    """ONETHREAD_MEDIA_S3_REGION: of the bucket. Empty: us-east-1."""
    media_s3_access_key: str = ""
    """ONETHREAD_MEDIA_S3_ACCESS_KEY: together with the secret key. Empty: the machine's own role."""
    media_s3_secret_key: str = ""
    """ONETHREAD_MEDIA_S3_SECRET_KEY: never shown."""
    lmtp_listen: str = ""
    """ONETHREAD_LMTP_LISTEN: `host:port` where mail servers hand mail in by LMTP or SMTP, to processes that run
    readers. Empty: nowhere."""
    lmtp_reach: Literal["private", "public"] = "private"
    """ONETHREAD_LMTP_REACH: whether that may be an address that others than this machine and its network can reach."""
    visitors_per_address: Annotated[int, Meta(ge=1)] = 60
    """ONETHREAD_VISITORS_PER_ADDRESS: times a minute that web chats may be entered from one address; and files that
    visitors there may upload."""
    append_backlog_max: Annotated[int, Meta(ge=1)] = 10_000
    """ONETHREAD_APPEND_BACKLOG_MAX: appends that may wait; beyond, requests get 503 before memory grows."""
    raw_retention_days: Annotated[int, Meta(ge=1, le=3_650)] = 30
    """ONETHREAD_RAW_RETENTION_DAYS: how long providers' deliveries are kept as they came, read or parked."""
    stop_seconds: Annotated[float, Meta(gt=0)] = 20.0
    """ONETHREAD_STOP_SECONDS: how long a stop waits for what was accepted."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """ONETHREAD_LOG_LEVEL: logs are JSON lines without personal data."""
    metrics: Literal["open", "auditor"] = "open"
    """ONETHREAD_METRICS: whether `/metrics` needs an auditor's key."""


UNPREFIXED = frozenset({"database_url", "nats_url"})
LISTS = frozenset({"master_keys", "allowed_origins", "trusted_proxies"})


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return name.upper() if name in UNPREFIXED else PREFIX + name.upper()


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in the mapping; a variable that is empty counts as absent.

    Raises SettingWrong, also for a variable that begins like ours and is none.
    """
    names = {variable(name): name for name in Settings.__struct_fields__}
    unknown = [key for key in environment if key.startswith(PREFIX) and key not in names]
    if unknown:
        raise SettingWrong(f"{unknown[0]} is no setting of Onethread; there are {', '.join(sorted(names))}")
    given: dict[str, Any] = {}
    for key, name in names.items():
        if text := environment.get(key, "").strip():
            given[name] = [part.strip() for part in text.split(",") if part.strip()] if name in LISTS else text
    try:
        return msgspec.convert(given, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise SettingWrong(_named(str(error))) from error


def settings_from_environment() -> Settings:
    """Raises SettingWrong."""
    return read_settings(os.environ)


def as_environment(settings: Settings) -> dict[str, str]:
    """The environment for a process that is to have these settings."""
    environment = dict(os.environ)
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        environment[variable(name)] = ",".join(value) if isinstance(value, tuple) else str(value)
    return environment


def _path(kind: type, value: Any) -> Any:
    return kind(value)


def _named(message: str) -> str:
    """The library says where as `$.port`; people know the variable."""
    text, _, place = message.partition(" - at `$.")
    return f"{variable(place.rstrip('`').partition('[')[0])}: {text}" if place else text


class Keys(msgspec.Struct, frozen=True):
    """The secrets of one deployment, decoded."""

    master_keys: tuple[bytes, ...]
    claim_key: bytes
    token_key: bytes


def decode_keys(settings: Settings) -> Keys:
    """Raises SettingWrong."""
    if not settings.master_keys:
        raise SettingWrong(f"{variable('master_keys')} is missing; `onethread admin new-keys` makes one of each")
    return Keys(
        tuple(_decoded("master_keys", text, exactly=True) for text in settings.master_keys),
        _decoded("claim_key", settings.claim_key),
        _decoded("token_key", settings.token_key),
    )


def _decoded(name: str, text: str, *, exactly: bool = False) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise SettingWrong(f"{variable(name)} is not base64") from error
    if len(key) < 32 or (exactly and len(key) != 32):
        wanted = "32 bytes" if exactly else "32 bytes or more"
        raise SettingWrong(f"{variable(name)} has {len(key)} bytes; it takes base64 of {wanted}")
    return key
