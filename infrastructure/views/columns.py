"""More columns for `unnest`, beside those of the log: texts that may be missing, flags, and moments."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection

from infrastructure.log.columns import Column, ColumnDumper, elements, head, pack_length, register_columns

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL counts its microseconds from here."""

_MICROSECOND = timedelta(microseconds=1)
_BOOL, _TEXT, _MOMENT = 16, 25, 1184  # object ids of the elements' types

_MISSING = pack_length(-1)


def microseconds(moment: datetime) -> int:
    """The moment as PostgreSQL stores it."""
    return (moment - EPOCH) // _MICROSECOND


class FlagColumn(Column):
    """A `boolean[]`."""

    __slots__ = ()

    def __init__(self, values: Sequence[bool]) -> None:
        fields = [1] * (2 * len(values))
        fields[1::2] = values
        super().__init__(head(_BOOL, len(values)) + struct.pack("!" + "ib" * len(values), *fields))


class MomentColumn(Column):
    """A `timestamptz[]`."""

    __slots__ = ()

    def __init__(self, values: Sequence[datetime]) -> None:
        fields = [8] * (2 * len(values))
        fields[1::2] = map(microseconds, values)
        super().__init__(head(_MOMENT, len(values)) + struct.pack("!" + "iq" * len(values), *fields))


class OptionalTextColumn(Column):
    """A `text[]` some of whose elements may be NULL."""

    __slots__ = ()

    def __init__(self, values: Sequence[str | None]) -> None:
        texts = [None if value is None else value.encode() for value in values]
        there = [text for text in texts if text is not None]
        if len(there) == len(texts):
            parts = elements(there)
        else:
            parts = [_MISSING if text is None else pack_length(len(text)) + text for text in texts]
        super().__init__(b"".join([head(_TEXT, len(texts), has_nulls=len(there) < len(texts)), *parts]))


class _FlagDumper(ColumnDumper):
    oid = 1000


class _MomentDumper(ColumnDumper):
    oid = 1185


class _OptionalTextDumper(ColumnDumper):
    oid = 1009


def register_all_columns(connection: AsyncConnection[Any]) -> None:
    """Lets the connection take columns as parameters, those of the log too."""
    register_columns(connection)
    connection.adapters.register_dumper(FlagColumn, _FlagDumper)
    connection.adapters.register_dumper(MomentColumn, _MomentDumper)
    connection.adapters.register_dumper(OptionalTextColumn, _OptionalTextDumper)
