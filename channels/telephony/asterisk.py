"""Asterisk's call detail records in CSV: `Master.csv` and exports of the `cdr` table with a heading.

`Master.csv` (cdr_csv.c) has sixteen columns, and behind them, as `cdr.conf` says, `uniqueid`, `userfield`, and
`peeraccount`, `linkedid`, `sequence`; times are local and say no zone, unless `usegmtime` is set.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parseaddr
from zoneinfo import ZoneInfo

from channels import phone
from channels.edge.text import clean, one_line
from channels.telephony.records import Read, Row, RowUnreadable, key_of, whole_seconds

COLUMNS: tuple[str, ...] = ("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp")
COLUMNS += ("lastdata", "start", "answer", "end", "duration", "billsec", "disposition", "amaflags")
LINKED = ("peeraccount", "linkedid", "sequence")
FURTHER: dict[int, tuple[str, ...]] = {
    0: (),
    2: ("uniqueid", "userfield"),
    3: LINKED,
    4: ("uniqueid", *LINKED),
    5: ("uniqueid", "userfield", *LINKED),
}
"""By how many columns there are more; a single one is told apart by its looks."""
UNIQUE_ID = re.compile(r"(?:.*-)?(\d{9,10})\.\d+", re.ASCII)
"""Seconds since 1970 at which the channel was made, and a counter; a system's name may stand before them."""
CELL_CHARACTERS_MAX = 65_536
OUTCOMES: dict[str, phone.Outcome] = {
    "ANSWERED": "answered",
    "ANSWER": "answered",
    "NO ANSWER": "missed",
    "NOANSWER": "missed",
    "BUSY": "busy",
    "FAILED": "failed",
    "CONGESTION": "failed",
}


def read_csv(raw: bytes, *, name: str, zone: ZoneInfo, read: Read) -> None:
    """Adds the rows to `read`, and those that are none to its refused ones, with file and line. Raises nothing.

    Example: `"","030901820","204","from-trunk","Li Na <030901820>","SIP/trunk-1","SIP/204-2","Dial","SIP/204",
    "2026-11-21 10:30:00","2026-11-21 10:30:05","2026-11-21 10:31:40",100,95,"ANSWERED","DOCUMENTATION",
    "1763717400.42"` in one line
    """
    lines = io.StringIO(clean(raw.decode("utf-8-sig", "replace")), newline="")
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    reader, heading, last = csv.reader(lines), tuple[str, ...](), 0
    while True:
        place = f"{name}:{last + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            read.refuse(place, error)
            last = max(reader.line_num, last + 1)
            continue
        last = reader.line_num
        if cells is None:
            return
        if not any(cells):
            continue
        if not heading and {"src", "dst", "disposition"} <= {cell.strip().lower() for cell in cells}:
            heading = tuple(cell.strip().lower() for cell in cells)
            continue
        try:
            read.rows.append(_row(_named(cells, heading), cells, place, zone))
        except RowUnreadable as error:
            read.refuse(place, error)


def _named(cells: Sequence[str], heading: Sequence[str]) -> dict[str, str]:
    """Cells by column. Raises RowUnreadable."""
    if heading:
        if len(cells) != len(heading):
            raise RowUnreadable(f"{len(cells)} columns under a heading of {len(heading)}")
        named = dict(zip(heading, cells, strict=True))
        return {"start": named.get("calldate", ""), **named}
    more = len(cells) - len(COLUMNS)
    further = FURTHER.get(more)
    if more == 1:
        further = ("uniqueid",) if UNIQUE_ID.fullmatch(cells[-1].strip()) else ("userfield",)
    if further is None:
        raise RowUnreadable(f"{len(cells)} columns; a record of Asterisk has {len(COLUMNS)} to {len(COLUMNS) + 5}")
    return dict(zip((*COLUMNS, *further), cells, strict=True))


def _row(named: dict[str, str], cells: Sequence[str], place: str, zone: ZoneInfo) -> Row:
    """Raises RowUnreadable."""
    unique_id, answer = named.get("uniqueid", ""), named.get("answer", "")
    return Row(
        place=place,
        key=key_of(named.get("linkedid", ""), unique_id, row=cells),
        caller=named["src"],
        called=named["dst"],
        started_at=_moment(named.get("start", ""), unique_id, zone),
        outcome=_outcome(named),
        answered_at=_moment(answer, unique_id, zone) if answer.strip("0-: ") else None,
        talk_seconds=whole_seconds(named.get("billsec", ""), "billsec"),
        name=_name(named.get("clid", ""), named["src"]),
    )


def _moment(given: str, unique_id: str, zone: ZoneInfo) -> datetime:
    """In UTC. An hour that the clocks passed twice is told apart by the id's seconds, else the first one is meant.

    Raises RowUnreadable.
    """
    try:
        local = datetime.fromisoformat(given.strip())
        if local.tzinfo is not None:
            return local.astimezone(UTC)
        first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except (ValueError, OverflowError):
        raise RowUnreadable(f"{one_line(given)[:40]!r} is no time") from None
    made = UNIQUE_ID.fullmatch(unique_id.strip())
    if first == second or made is None:
        return first
    return min((first, second), key=lambda at: abs(at.timestamp() - int(made[1])))


def _outcome(named: dict[str, str]) -> phone.Outcome:
    """A queue answers before anybody does, so who waited there and reached nobody was missed. Raises RowUnreadable."""
    said = named["disposition"].strip().upper()
    if said not in OUTCOMES:
        raise RowUnreadable(f"disposition: {one_line(said)[:40]!r} is none that Asterisk has")
    outcome, last = OUTCOMES[said], named.get("lastapp", "").lower()
    if outcome == "answered" and last == "voicemail":
        return "voicemail"
    if outcome == "answered" and last == "queue" and not named.get("dstchannel"):
        return "missed"
    return outcome


def _name(caller_id: str, number: str) -> str:
    """Of `"Li Na" <030901820>`; nothing where that only repeats the number."""
    name = one_line(parseaddr(caller_id)[0])
    return "" if name == number.strip() or not any(sign.isalpha() for sign in name) else name
