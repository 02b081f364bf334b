"""What others send us: JSON read without trusting it, and the two ways in which a delivery can be refused."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from channels.edge.text import clean, without_controls
from domain.calls.intake import Call
from domain.intake import DeliveryReport, Echo, InboundMessage

IDENTIFIER_LENGTH_MAX = 256
"""Characters. Longer ids are cut: no provider has them."""
NAME = re.compile(r"[A-Za-z_][\w.-]{0,39}(:[\w.-]{0,39})?", re.ASCII)
CLOCK_SKEW_MAX = timedelta(days=1)
"""A sender's clock further ahead than this is not believed."""


class UnreadablePayload(Exception):
    """A delivery that is not what its channel sends. `field` says where, as in `messages[3].handle`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason

    @classmethod
    def of(cls, error: Exception) -> "UnreadablePayload":
        """From msgspec's error, which names the field in its own way.

        Example: ``"Expected `str` of length <= 256 - at `$.messages[3].handle`"`` → field `messages[3].handle`
        """
        if isinstance(error, RecursionError):
            return cls("", "the JSON is nested too deeply")
        reason, _, path = str(error).partition(" - at `")
        return cls(path.rstrip("`").removeprefix("$").removeprefix("."), reason)


class SignatureWrong(Exception):
    """A delivery that cannot be shown to come from whom it says."""


class Posted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider's request as it came: what its signature covers, and what is kept until it has been read.

    Example: `Posted(raw=b"...", received_at=..., headers={"x-hub-signature-256": "sha256=..."},
    query={"timestamp": "1409659813"}, url="https://cc.shop.example/v1/webhooks/sms/account-..."})`
    """

    raw: bytes
    received_at: datetime
    headers: dict[str, str] = {}
    """Names in lower case."""
    query: dict[str, str] = {}
    """Of the URL, decoded."""
    url: str = ""
    """As the provider called it, with its query: the public address of this server, not what a proxy made of it."""


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider wants to be answered."""

    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"
    status: int = 200


class RawMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that a provider posted, still to be read as all others are."""

    raw: bytes
    recipient: str
    """The envelope's."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one delivery held, so that nothing of it is dropped unseen.

    Each item stands with the account's address, as the provider calls it, in the delivery's order.
    """

    messages: list[tuple[str, InboundMessage]] = msgspec.field(default_factory=list)
    echoes: list[tuple[str, Echo]] = msgspec.field(default_factory=list)
    calls: list[tuple[str, Call]] = msgspec.field(default_factory=list)
    mails: list[tuple[str, RawMail]] = msgspec.field(default_factory=list)
    reports: list[tuple[str, DeliveryReport]] = msgspec.field(default_factory=list)
    ignored: list[str] = msgspec.field(default_factory=list)
    """Kinds of what is not stored, one entry each time: `account_update:DISABLED_UPDATE`."""
    notices: list[tuple[str, str]] = msgspec.field(default_factory=list)
    """Those of them that are news of the account itself, as of a ban; empty address: it may be any that is trusted."""


class Portion(msgspec.Struct):
    """What some deliveries hold for one account."""

    messages: list[InboundMessage] = msgspec.field(default_factory=list)
    mails: list[RawMail] = msgspec.field(default_factory=list)
    calls: list[Call] = msgspec.field(default_factory=list)
    echoes: list[Echo] = msgspec.field(default_factory=list)
    reports: list[DeliveryReport] = msgspec.field(default_factory=list)

    def extend(self, other: "Portion") -> None:
        """Takes what the other has as well."""
        for name in self.__struct_fields__:
            getattr(self, name).extend(getattr(other, name))

    def apart(self) -> "list[Portion]":
        """Each item by itself, in the order in which they are stored."""
        return [Portion(**{name: [item]}) for name in self.__struct_fields__ for item in getattr(self, name)]


def named(kind: str) -> str:
    """A kind of news without what others wrote: its name, and the provider's word or code for it.

    Example: `"error:131051 Message type unknown"` → `"error:131051"`
    """
    found = NAME.match(kind)
    return found[0] if found else "unnamed"


def demand_hmac(raw: bytes, given: bytes, secrets: Iterable[bytes]) -> None:
    """HMAC-SHA256 over the bytes as they came, as lower-case hex; any of the secrets will do. Raises SignatureWrong."""
    expected = (hmac.new(secret, raw, hashlib.sha256).hexdigest().encode() for secret in secrets if secret)
    if not any(hmac.compare_digest(one, given) for one in expected):
        raise SignatureWrong("the signature does not fit the body")


def read_json(raw: bytes) -> Any:
    """JSON from a provider, however odd: broken UTF-8, lone surrogates and huge numbers are read, not refused.

    Raises UnreadablePayload for what is not JSON, or is nested deeper than Python reads.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # strict and fast says no; slow and lenient has the last word
    except RecursionError:
        raise UnreadablePayload("", "the JSON is nested too deeply") from None
    try:
        return json.loads(raw.decode("utf-8", "replace"), parse_int=_number)
    except ValueError as error:
        raise UnreadablePayload("", f"this is not JSON: {error}") from None
    except RecursionError:
        raise UnreadablePayload("", "the JSON is nested too deeply") from None


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 4_000 else float(digits)


def a_dict(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def dicts(value: Any) -> list[dict[str, Any]]:
    """The JSON objects of a list; anything else is an empty list."""
    items: Sequence[Any] = value if isinstance(value, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


def a_text(value: Any) -> str:
    """The value as clean text: a string or a number, else nothing."""
    if isinstance(value, str):
        return clean(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def an_identifier(value: Any) -> str:
    """An id as a string of at most 256 characters without white space around it."""
    return without_controls(a_text(value)).strip()[:IDENTIFIER_LENGTH_MAX]


def at_second(value: Any, *, received_at: datetime) -> datetime:
    """The time of Unix seconds, given as a number or a string of one; `received_at` where that makes no sense.

    Nothing is said to have happened before 1970, or later than a day after we received it.
    """
    try:
        at = datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return received_at
    return plausible(at, received_at=received_at)


def plausible(at: datetime, *, received_at: datetime) -> datetime:
    """The time in UTC if a sender's clock may show it, else `received_at`."""
    try:
        is_believed = at.timestamp() >= 0 and at <= received_at + CLOCK_SKEW_MAX
        return at.astimezone(UTC) if is_believed else received_at
    except (ValueError, OverflowError):
        return received_at
