"""Columns of values for `unnest`, written in PostgreSQL's binary array form in one go.

psycopg's own list dumper takes about twice as long, and chooses the type of an array by the values in it (`int2[]`
for small numbers, none for an empty list), so that the server would prepare the same statement again and again.
"""

import struct
from collections.abc import Sequence
from typing import Any, ClassVar

from psycopg import AsyncConnection, Connection
from psycopg.adapt import Dumper
from psycopg.pq import Format
from typing_extensions import override

_pack_head = struct.Struct("!iiiii").pack  # dimensions, has nulls, type of the elements, length, lower bound
pack_length = struct.Struct("!i").pack
"""The length in bytes that stands before each element; -1 for NULL."""


class Column:
    """An array parameter, ready to send."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class NumberColumn(Column):
    """A `bigint[]`."""

    __slots__ = ()
    element_oid: ClassVar[int] = 20

    def __init__(self, values: Sequence[int]) -> None:
        fields = [8] * (2 * len(values))  # each element is its length in bytes and its value
        fields[1::2] = values
        super().__init__(head(self.element_oid, len(values)) + struct.pack("!" + "iq" * len(values), *fields))


class BytesColumn(Column):
    """A `bytea[]`."""

    __slots__ = ()
    element_oid: ClassVar[int] = 17

    def __init__(self, values: Sequence[bytes]) -> None:
        super().__init__(b"".join([head(self.element_oid, len(values)), *elements(values)]))


class TextColumn(BytesColumn):
    """A `text[]`."""

    __slots__ = ()
    element_oid: ClassVar[int] = 25

    def __init__(self, values: Sequence[str]) -> None:
        super().__init__([value.encode() for value in values])


def elements(values: Sequence[bytes]) -> list[bytes]:
    """Each value behind its length. Most columns hold ids of one kind, which are all as long."""
    lengths = list(map(len, values))
    if lengths and lengths.count(lengths[0]) == len(lengths):
        before = pack_length(lengths[0])
        return [before, before.join(values)]
    parts: list[bytes] = [b""] * (2 * len(values))
    parts[0::2] = map(pack_length, lengths)
    parts[1::2] = values
    return parts


def head(element_oid: int, length: int, *, has_nulls: bool = False) -> bytes:
    """What an array begins with: one dimension of so many elements of the type, or none."""
    if not length:
        return _pack_head(0, 0, element_oid, 0, 1)[:12]
    return _pack_head(1, has_nulls, element_oid, length, 1)


class ColumnDumper(Dumper):
    """Sends a column's bytes as they are; a subclass says the array's type."""

    format = Format.BINARY

    @override
    def dump(self, obj: Any) -> bytes:
        data: bytes = obj.data
        return data


class _NumberDumper(ColumnDumper):
    oid = 1016


class _BytesDumper(ColumnDumper):
    oid = 1001


class _TextDumper(ColumnDumper):
    oid = 1009


def register_columns(connection: Connection[Any] | AsyncConnection[Any]) -> None:
    """Lets the connection take columns as parameters."""
    connection.adapters.register_dumper(NumberColumn, _NumberDumper)
    connection.adapters.register_dumper(BytesColumn, _BytesDumper)
    connection.adapters.register_dumper(TextColumn, _TextDumper)
