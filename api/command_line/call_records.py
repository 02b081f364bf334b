"""Taking in files of call detail records: read them all, then write each call down once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from api.parts import Parts
from application.commands import Command, Contended
from channels import phone
from channels.telephony.files import read_records
from channels.telephony.records import Read, Refused, calls_in
from domain.account import AccountUnknown
from domain.calls.intake import Call
from domain.event import RuleBroken

FILE_BYTES_MAX = 268_435_456
"""A larger file is skipped whole: cut it, a call in two parts is known by its key."""
CALLERS_AT_ONCE = 64
CALLS_AT_ONCE = 1_024
"""Of one customer they are written one after another, since they go to one stream."""

Advance = Callable[[int, int], None]
"""Told how many calls are done, of how many."""


class BadZone(Exception):
    """There is no such time zone."""


class Imported(msgspec.Struct, kw_only=True):
    """What became of the records."""

    stored: int = 0
    known: int = 0
    refused: list[Refused] = msgspec.field(default_factory=list)

    @property
    def reasons(self) -> Counter[str]:
        """How often each, without what is particular to a record."""
        return Counter(one.reason.partition(":")[0] for one in self.refused)


def zone_named(name: str) -> ZoneInfo:
    """Raises BadZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadZone(f"{name!r} is no time zone, as in Europe/Berlin") from error


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The files, and those of the folders in the order of their names; hidden ones are left out."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        found += [one for one in inside if one == path or not one.name.startswith(".")]
    return found


async def import_files(
    parts: Parts, account_id: str, files: Sequence[Path], file_format: str, zone: ZoneInfo, advance: Advance
) -> Imported:
    """Safe to repeat: a call is known by the telephone system's id on this account. Raises AccountUnknown."""
    account = parts.directory.account(account_id)
    if account is None or account.definition is None or account.definition.channel != "phone":
        raise AccountUnknown(f"there is no telephone account {account_id}")
    read = Read()
    for file in files:
        if file.stat().st_size > FILE_BYTES_MAX:
            read.refuse(f"{file.name}:1", f"the file is larger than {FILE_BYTES_MAX} bytes")
        else:
            read_records(file.read_bytes(), file_format, name=file.name, zone=zone, read=read)
    placed = calls_in(read, phone.read_settings(account.definition), now=parts.clock())
    imported = Imported(refused=read.refused)
    advance(0, len(placed))
    for start in range(0, len(placed), CALLS_AT_ONCE):
        await _store(parts, account_id, placed[start : start + CALLS_AT_ONCE], imported)
        advance(min(start + CALLS_AT_ONCE, len(placed)), len(placed))
    return imported


async def _store(parts: Parts, account_id: str, placed: Sequence[tuple[str, Call]], imported: Imported) -> None:
    """Several customers' calls share a transaction."""
    by_caller: dict[str, list[tuple[str, Call]]] = {}
    for place, call in placed:
        caller = call.call_id if call.handle == phone.WITHHELD else call.handle
        by_caller.setdefault(caller, []).append((place, call))
    free = asyncio.Semaphore(CALLERS_AT_ONCE)

    async def store_in_turn(calls: Sequence[tuple[str, Call]]) -> None:
        async with free:
            for place, call in calls:
                command = Command(actor=account_id, at=parts.clock())
                try:
                    done, _ = await parts.calls.take(command, call, account_id=account_id)
                except (RuleBroken, Contended) as error:
                    reason = (type(error).__doc__ or "").strip().partition("\n")[0]
                    imported.refused.append(Refused(place=place, reason=reason))
                    continue
                imported.stored += not done.is_repeat
                imported.known += done.is_repeat

    await asyncio.gather(*(store_in_turn(calls) for calls in by_caller.values()))
