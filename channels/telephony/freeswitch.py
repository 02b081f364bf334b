"""FreeSWITCH's call detail records: `json_cdr` and `xml_cdr`, one call a file, or several in one.

Both hold the same: `variables`, percent-encoded, and a `callflow` for each dial plan that the call went through, the
latest first. Each leg is a record of its own; `call_uuid` is the first leg's. "Inbound" is what comes to the switch,
from our own telephones too, so the direction is not believed.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from channels import phone
from channels.edge.payload import UnreadablePayload, a_dict, a_text, dicts, read_json
from channels.edge.text import clean, one_line
from channels.telephony.records import Read, Row, RowUnreadable, key_of, whole_seconds

MILLISECONDS_FROM, MICROSECONDS_FROM = 100_000_000_000, 100_000_000_000_000
"""Seconds since 1970 reach the first in the year 5138, milliseconds the second likewise."""
STARTS = ("start_uepoch", "start_epoch", "created_time")
OUTCOMES: dict[str, phone.Outcome] = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "missed",
    "NO_USER_RESPONSE": "missed",
    "ORIGINATOR_CANCEL": "missed",
    "CALL_REJECTED": "missed",
    "ALLOTTED_TIMEOUT": "missed",
    "NORMAL_CLEARING": "missed",
    "LOSE_RACE": "missed",
    "PICKED_OFF": "missed",
}
"""Of a call that was not answered; every other cause is a failure."""


def read_json_cdr(raw: bytes, *, name: str, read: Read) -> None:
    """Adds the records of an object, of a list, or of lines of objects to `read`. Raises nothing.

    Example: `{"variables": {"uuid": "8a3c…", "call_uuid": "8a3c…", "start_uepoch": "1763717400123456",
    "billsec": "95", "hangup_cause": "NORMAL_CLEARING", "answer_epoch": "1763717405"},
    "callflow": [{"caller_profile": {"caller_id_number": "%2B4930901820", "destination_number": "204"}}]}`
    """
    for place, text in _documents(raw, name):
        try:
            told = read_json(text)
        except UnreadablePayload as error:
            read.refuse(place, error)
            continue
        for record in told if isinstance(told, list) else [told]:
            flows = dicts(a_dict(record).get("callflow")) or [a_dict(a_dict(record).get("callflow"))]
            profile = a_dict(flows[-1].get("caller_profile"))
            _add(read, place, _texts(a_dict(a_dict(record).get("variables"))), _texts(profile))


def read_xml_cdr(raw: bytes, *, name: str, read: Read) -> None:
    """Adds the records of a `<cdr>`, or of all inside another element, to `read`. Raises nothing.

    Example: `<cdr core-uuid="…"><variables><uuid>8a3c…</uuid><start_epoch>1763717400</start_epoch>…</variables>
    <callflow><caller_profile><caller_id_number>%2B4930901820</caller_id_number>…</caller_profile></callflow></cdr>`
    """
    try:
        root = fromstring(raw)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        line = error.position[0] if isinstance(error, ParseError) else 1
        read.refuse(f"{name}:{line}", f"this is no XML that can be trusted: {type(error).__name__}")
        return
    records = [root] if root.tag == "cdr" else root.findall(".//cdr")
    if not records:
        read.refuse(f"{name}:1", "there is no <cdr> in it")
    for number, record in enumerate(records, start=1):
        flows = record.findall("callflow")
        profile = flows[-1].find("caller_profile") if flows else None
        parts = (record.find("variables"), profile)
        named = ({} if part is None else {one.tag: one.text or "" for one in part} for part in parts)
        _add(read, f"{name}:1" if len(records) == 1 else f"{name}:record {number}", *map(_texts, named))


def _documents(raw: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The whole if it is JSON, else its lines."""
    lines = raw.splitlines()
    try:
        json.loads(raw)
        is_whole = True
    except (ValueError, RecursionError):
        is_whole = sum(line.lstrip().startswith(b"{") for line in lines) < 2
    if is_whole:
        yield f"{name}:1", raw
    else:
        yield from ((f"{name}:{number}", line) for number, line in enumerate(lines, start=1) if line.strip())


def _texts(named: Mapping[str, Any]) -> dict[str, str]:
    """Decoded; a plus is a plus."""
    return {name: clean(unquote(a_text(value))) for name, value in named.items()}


def _add(read: Read, place: str, variables: dict[str, str], profile: dict[str, str]) -> None:
    try:
        read.rows.append(_row(place, variables, profile))
    except RowUnreadable as error:
        read.refuse(place, error)


def _row(place: str, variables: dict[str, str], profile: dict[str, str]) -> Row:
    """Raises RowUnreadable."""
    called = profile.get("destination_number") or variables.get("destination_number", "")
    caller = profile.get("caller_id_number") or variables.get("caller_id_number", "")
    if not called:
        raise RowUnreadable("callflow: there is no destination_number in it")
    start = next((given for one in STARTS if (given := variables.get(one) or profile.get(one, ""))), "")
    seconds = variables.get("billsec", "")
    name = one_line(profile.get("caller_id_name", ""))
    return Row(
        place=place,
        key=key_of(variables.get("call_uuid", ""), variables.get("uuid", ""), row=(caller, called, start, seconds)),
        caller=caller,
        called=called,
        started_at=_moment(start),
        outcome=_outcome(variables),
        answered_at=_moment(answer) if (answer := _answer(variables)) else None,
        talk_seconds=whole_seconds(seconds, "billsec"),
        name=name if any(sign.isalpha() for sign in name) and name.lower() not in phone.WITHHELD_WORDS else "",
    )


def _moment(given: str) -> datetime:
    """Of seconds, milliseconds or microseconds, told apart by their size. Raises RowUnreadable."""
    if not (given.isascii() and given.isdigit() and 0 < len(given) < 18):
        raise RowUnreadable(f"{one_line(given)[:40]!r} is no time")
    number = int(given)
    unit = 1_000_000 if number >= MICROSECONDS_FROM else 1_000 if number >= MILLISECONDS_FROM else 1
    return datetime.fromtimestamp(number // unit, UTC)


def _answer(variables: Mapping[str, str]) -> str:
    """When somebody answered; `0` says that nobody did."""
    return (variables.get("answer_uepoch") or variables.get("answer_epoch", "")).lstrip("0")


def _outcome(variables: Mapping[str, str]) -> phone.Outcome:
    if _answer(variables):
        is_voicemail = variables.get("last_app", "").lower() == "voicemail"
        return "voicemail" if is_voicemail else "answered"
    return OUTCOMES.get(variables.get("hangup_cause", "NORMAL_CLEARING").upper(), "failed")
