"""Bodies: read up to a limit and a deadline, decoded strictly; what is wrong is named by its JSON path and limit."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import msgspec.inspect

from api.http.patience import Patience, Room
from api.http.refusals import BodyTooLarge, BodyTooSlow, ClientGone, Invalid, MediaTypeUnsupported

if TYPE_CHECKING:
    from litestar.types import Receive

JSON_TYPE = re.compile(r"application/([a-z0-9.+-]+\+)?json\s*(;.*)?", re.IGNORECASE)

_PLACE = re.compile(r"(?P<detail>.*?)(?: - at (?:`key` in )?`(?P<field>\$.*)`)?", re.DOTALL)
_NAMED = re.compile(r"Object (?:contains unknown|missing required) field `(?P<name>.*)`", re.DOTALL)
_LIMIT = re.compile(r"(?:<=|>=|<|>) (-?\d+)$")
_OUTER_YEARS = (b"0001-", b"9999-", b"\\u00")
"""One is in every body with a moment whose zone leads out of the years 1 to 9999. Signs may be written as escapes."""
T = TypeVar("T")
RATE_MIN = 32_768
"""Bytes a second that a body which takes its time must reach."""


async def read_body(
    receive: "Receive", content_length: str | None, bytes_max: int, patience: Patience, room: Room
) -> bytes:
    """The whole body. Raises BodyTooLarge before or while it arrives, BodyTooSlow, NoRoom, ClientGone."""
    if content_length is not None and content_length.isdecimal() and int(content_length[:20]) > bytes_max:
        raise BodyTooLarge(bytes_max)
    event = await _next(receive, patience)
    body = _chunk(event)
    if not event.get("more_body", False) and len(body) <= bytes_max:
        return body
    chunks, size_bytes, began = [body], len(body), time.monotonic()
    room.take(size_bytes)
    while event.get("more_body", False) and size_bytes <= bytes_max:
        event = await _next(receive, patience)
        if time.monotonic() - began > patience.seconds + size_bytes / RATE_MIN:  # a drop now and then is not silence
            raise BodyTooSlow
        chunks.append(_chunk(event))
        size_bytes += len(chunks[-1])
        room.take(len(chunks[-1]))
    if size_bytes > bytes_max:
        raise BodyTooLarge(bytes_max)
    return b"".join(chunks)


async def _next(receive: "Receive", patience: Patience) -> Any:
    try:
        return await patience.wait_for(receive())
    except TimeoutError:
        raise BodyTooSlow from None


def _chunk(event: Any) -> bytes:
    if event["type"] == "http.disconnect":
        raise ClientGone
    return event.get("body", b"")  # type: ignore[no-any-return]


def demand_json(content_type: str | None) -> None:
    """A body without a type is taken for JSON. Raises MediaTypeUnsupported."""
    if content_type and content_type != "application/json" and not JSON_TYPE.fullmatch(content_type):
        raise MediaTypeUnsupported(f"{content_type[:100]}: this takes application/json")


def decode(raw: bytes, decoder: "msgspec.json.Decoder[T]") -> T:
    """The body as its type. Raises Invalid with the field that is wrong, and the limit where one was passed."""
    try:
        decoded = decoder.decode(raw)
    except msgspec.ValidationError as error:
        decoded = _decode_integral(raw, decoder, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(raw, error) from None
    if b"\\u0000" in raw:  # the only way in which JSON can bring a NUL
        _demand_no_nul(raw)
    kind: Any = decoder.type
    if _has_moments(kind) and any(year in raw for year in _OUTER_YEARS):
        _demand_moments(msgspec.to_builtins(decoded, builtin_types=(datetime,)), "$")
    return decoded


@cache
def _has_moments(kind: Any) -> bool:
    """Whether a date-time may be somewhere in a value of the type."""
    described, seen = [msgspec.inspect.type_info(kind)], set[type]()
    while described:
        one = described.pop()
        if isinstance(one, msgspec.inspect.DateTimeType):
            return True
        if isinstance(one, msgspec.inspect.StructType):
            described += [field.type for field in one.fields if one.cls not in seen]
            seen.add(one.cls)
        for name in ("type", "item_type", "key_type", "value_type"):
            described += [inner] if (inner := getattr(one, name, None)) else []
        described += [*getattr(one, "types", ()), *getattr(one, "item_types", ())]
    return False


def _demand_moments(value: Any, place: str) -> None:
    """A zone can lead out of the years 1 to 9999, where no program follows. Raises Invalid with the field."""
    if isinstance(value, datetime):
        try:
            value.astimezone(UTC)
        except OverflowError:
            raise Invalid(place[:200], "a date-time is within the years 1 to 9999 in UTC") from None
    elif isinstance(value, dict):
        for name, item in value.items():
            _demand_moments(item, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _demand_moments(item, f"{place}[{number}]")


def _decode_integral(raw: bytes, decoder: "msgspec.json.Decoder[T]", error: msgspec.ValidationError) -> T:
    """Once more, with `5.0` as the 5 that it is to JSON Schema, where that was the trouble. Raises Invalid."""
    if "got `float`" not in str(error):
        raise _invalid(str(error)) from None
    try:
        return decoder.decode(msgspec.json.encode(json.loads(raw, parse_float=_integral)))
    except msgspec.ValidationError as again:
        raise _invalid(str(again)) from None
    except (ValueError, OverflowError, RecursionError):  # there is more wrong with it than that
        raise _invalid(str(error)) from None


def _integral(digits: str) -> int | float:
    number = float(digits)
    return int(number) if number.is_integer() else number


def invalid_query(error: msgspec.ValidationError) -> Invalid:
    """As `decode` tells it, for a query parameter."""
    invalid = _invalid(str(error))
    return Invalid(f"query{invalid.field[1:]}", invalid.reason, invalid.limit)


def _invalid(message: str) -> Invalid:
    r"""Example: ``Expected `str` of length <= 10 - at `$.text` `` → field `$.text`, limit 10."""
    told = _PLACE.fullmatch(message)
    detail, field = (told["detail"], told["field"]) if told else (message, None)
    field = field or "$"
    if named := _NAMED.fullmatch(detail):
        field = f"{field}.{named['name']}"
    limit = _LIMIT.search(detail)
    return Invalid(field[:200], detail[:300], int(limit[1]) if limit else None)


def _malformed(raw: bytes, error: Exception) -> Invalid:
    """Not JSON, or JSON that no text can be made of; then the field is looked for the slow way."""
    if isinstance(error, RecursionError):
        return Invalid("$", "the JSON is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return Invalid("$", "the body is not UTF-8")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return Invalid("$", str(error)[:300] if raw.strip() else "the body is empty; this takes JSON")
    lone = next((place for place, text in _texts(document, "$") if not _is_encodable(text)), None)
    return Invalid(lone or "$", "a lone surrogate is no text" if lone else str(error)[:300])


def _demand_no_nul(raw: bytes) -> None:
    """PostgreSQL and many programs cannot keep NUL. Raises Invalid with the field that has one."""
    place = next((place for place, text in _texts(json.loads(raw), "$") if "\0" in text), None)
    if place is not None:
        raise Invalid(place.replace("\0", "\\u0000"), "NUL (U+0000) is not allowed in texts")


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a JSON document with its path, names of fields included."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, item in value.items():
            shown = name.encode("utf-8", "backslashreplace").decode()[:100]
            yield f"{place}.{shown}", name
            yield from _texts(item, f"{place}.{shown}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{place}[{number}]")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
