"""More columns for `unnest`, beside those of the log: texts that may be missing, flags, and moments."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.adapt import Dumper
from psycopg.pq import Format
from typing_extensions import override

from infrastructure.log.columns import Column, register_columns

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL counts its microseconds from here."""

_MICROSECOND = timedelta(microseconds=1)
_BOOL, _TEXT, _MOMENT = 16, 25, 1184  # object ids of the elements' types

_pack_head = struct.Struct("!iiiii").pack  # dimensions, has nulls, type of the elements, length, lower bound
_pack_length = struct.Struct("!i").pack
_MISSING = _pack_length(-1)


def microseconds(moment: datetime) -> int:
    """The moment as PostgreSQL stores it."""
    return (moment - EPOCH) // _MICROSECOND


class FlagColumn(Column):
    """A `boolean[]`."""

    __slots__ = ()

    def __init__(self, values: Sequence[bool]) -> None:
        fields = [1] * (2 * len(values))
        fields[1::2] = values
        super().__init__(_head(_BOOL, len(values)) + struct.pack("!" + "ib" * len(values), *fields))


class MomentColumn(Column):
    """A `timestamptz[]`."""

    __slots__ = ()

    def __init__(self, values: Sequence[datetime]) -> None:
        fields = [8] * (2 * len(values))
        fields[1::2] = map(microseconds, values)
        super().__init__(_head(_MOMENT, len(values)) + struct.pack("!" + "iq" * len(values), *fields))


class OptionalTextColumn(Column):
    """A `text[]` some of whose elements may be NULL."""

    __slots__ = ()

    def __init__(self, values: Sequence[str | None]) -> None:
        parts = [_head(_TEXT, len(values), has_nulls=True)]
        for value in values:
            if value is None:
                parts.append(_MISSING)
            else:
                text = value.encode()
                parts += (_pack_length(len(text)), text)
        super().__init__(b"".join(parts))


def _head(element_oid: int, length: int, *, has_nulls: bool = False) -> bytes:
    if not length:
        return _pack_head(0, 0, element_oid, 0, 1)[:12]
    return _pack_head(1, has_nulls, element_oid, length, 1)


class _ColumnDumper(Dumper):
    format = Format.BINARY

    @override
    def dump(self, obj: Any) -> bytes:
        data: bytes = obj.data
        return data


class _FlagDumper(_ColumnDumper):
    oid = 1000


class _MomentDumper(_ColumnDumper):
    oid = 1185


class _OptionalTextDumper(_ColumnDumper):
    oid = 1009


def register_all_columns(connection: AsyncConnection[Any]) -> None:
    """Lets the connection take columns as parameters, those of the log too."""
    register_columns(connection)
    connection.adapters.register_dumper(FlagColumn, _FlagDumper)
    connection.adapters.register_dumper(MomentColumn, _MomentDumper)
    connection.adapters.register_dumper(OptionalTextColumn, _OptionalTextDumper)
