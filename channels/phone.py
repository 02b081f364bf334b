"""Phone: what agents write down of a call, and call records of telephone systems. Settings, numbers, parse.

Nothing is sent. `channels/telephony/` reads what telephone systems tell by themselves, live and afterwards.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec
import phonenumbers

from channels.edge.payload import CLOCK_SKEW_MAX, UnreadablePayload, plausible
from channels.edge.text import one_line, without_controls
from domain.account import AccountDefinition, AccountInvalid
from domain.calls.intake import DURATION_SECONDS_MAX, Call
from domain.calls.stages import Direction

WITHHELD = "anonymous"
"""The handle of everybody who hides their number."""
WITHHELD_WORDS = frozenset(
    {"", "anonymous", "blocked", "no caller id", "private", "restricted", "unavailable", "unknown", "withheld"}
)
WITHHELD_NUMBERS = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""What Twilio says for anonymous, restricted, blocked, unknown, unavailable: the letters on a telephone's keys."""
PROVIDERS = ("twilio", "sipgate", "placetel", "generic")
NUMBER_LENGTH_MAX = 64
NAME_LENGTH_MAX = 256
AGENT_ID = re.compile(r"agent-[0-9a-f]{32}")
SUBSCRIBER_DIGITS_MIN = 7
"""Shorter ones are extensions of one's own telephone system, unless the country really has such numbers."""
NOTE_LENGTH_MAX = 20_000

Outcome = Literal["answered", "missed", "busy", "voicemail", "failed"]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Number = Annotated[str, msgspec.Meta(max_length=NUMBER_LENGTH_MAX)]
Note = Annotated[str, msgspec.Meta(max_length=NOTE_LENGTH_MAX)]
Duration = Annotated[int, msgspec.Meta(ge=0, le=DURATION_SECONDS_MAX)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a telephone account needs."""

    region: str
    """`AccountDefinition.default_region`: the country of numbers that name none, as in `DE`; may be empty."""
    provider: str = ""
    """`provider`: whose live events come in, one of `PROVIDERS`; empty where none do."""
    secrets: tuple[str, ...] = ()
    """`secret`, of Twilio `auth_token`; and the same with `_previous` while it is rolled."""
    account_sid: str = ""
    """Of Twilio's account or subaccount."""
    own_numbers: frozenset[str] = frozenset()
    """`own_numbers`, separated by commas, and `AccountDefinition.address`: who calls from one of them is us."""
    agents: dict[str, str] = {}
    """`agents`: whose an extension, number or user of the telephone system is, as `forms_of` writes it."""


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing or wrong."""
    region, given = definition.default_region.upper(), definition.settings
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        raise AccountInvalid(f"default_region: {definition.default_region!r} is no country code such as DE")
    provider = given.get("provider", "")
    if provider not in ("", *PROVIDERS):
        raise AccountInvalid(f"settings.provider: {provider!r} is none of {', '.join(PROVIDERS)}")
    secret = "auth_token" if provider == "twilio" else "secret"
    for name in (secret, "account_sid") if provider == "twilio" else (secret,) if provider else ():
        if not given.get(name):
            raise AccountInvalid(f"settings.{name}: live call events of {provider} need it")
    written = normalised(definition.address, region)
    if provider == "twilio" and definition.address and written != definition.address:
        raise AccountInvalid(f"address: {definition.address!r} is to be written as Twilio does, {written!r}")
    own = (normalised(one, region) for one in (definition.address, *given.get("own_numbers", "").split(",")))
    return Settings(
        region=region,
        provider=provider,
        secrets=tuple(one for one in (given.get(secret, ""), given.get(f"{secret}_previous", "")) if one),
        account_sid=given.get("account_sid", ""),
        own_numbers=frozenset(own) - {WITHHELD},
        agents=_agents(given.get("agents", ""), region),
    )


def _agents(written: str, region: str) -> dict[str, str]:
    """Of `204=agent-…, w0=agent-…`. Raises AccountInvalid with the entry that is none."""
    agents: dict[str, str] = {}
    for entry in filter(None, (one.strip() for one in written.split(","))):
        name, _, agent_id = (part.strip() for part in entry.rpartition("="))
        if not name or not AGENT_ID.fullmatch(agent_id):
            raise AccountInvalid(f"settings.agents: {entry!r} is not written like 204=agent- and 32 digits")
        agents |= dict.fromkeys(forms_of(name, region), agent_id)
    return agents


def forms_of(name: str, region: str) -> tuple[str, ...]:
    """How the same extension, number or user may be written, the fullest first.

    Example: `sip:204@pbx.example` → itself, `204@pbx.example`, `204`; `030 901820` → itself, `+4930901820`
    """
    whole = one_line(name[:NAME_LENGTH_MAX]).casefold()
    bare = whole.removeprefix("client:").removeprefix("sip:")
    number = normalised(whole, region)
    forms = dict.fromkeys((whole, bare, bare.partition("@")[0], *(() if number == WITHHELD else (number,))))
    return tuple(one for one in forms if one)


def agents_named(settings: Settings, names: Iterable[str]) -> tuple[str, ...]:
    """Those of ours whom the telephone system names so."""
    forms = (form for name in names for form in forms_of(name, settings.region))
    return tuple(sorted({agent_id for form in forms if (agent_id := settings.agents.get(form))}))


def normalised(number: str, region: str) -> str:
    """The number in E.164 where it can be read, `anonymous` where it was withheld, else its characters as typed.

    Full-width digits and hand-typed forms are read; a number without country belongs to `region`.

    Example: `("(030) 901820", "DE")` → `"+4930901820"`; `("204", "DE")` (an extension) → `"204"`
    """
    typed = one_line(unicodedata.normalize("NFKC", number[:NUMBER_LENGTH_MAX]))
    if typed.lower().strip("<>()\"' ") in WITHHELD_WORDS or typed in WITHHELD_NUMBERS:
        return WITHHELD
    try:
        parsed = phonenumbers.parse(typed, region or None)
    except phonenumbers.NumberParseException:
        return _as_typed(typed)
    is_short = sum(sign.isdecimal() for sign in typed) < SUBSCRIBER_DIGITS_MIN
    if not (phonenumbers.is_valid_number(parsed) if is_short else phonenumbers.is_possible_number(parsed)):
        return _as_typed(typed)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _as_typed(typed: str) -> str:
    return "".join(sign for sign in typed if sign.isalnum() or sign in "+*#@.") or WITHHELD


class CallNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call as an agent writes it down.

    Example: `{"call_id": "0193a7c2-…", "number": "030 901820", "outcome": "answered", "note": "Wants a refund",
    "duration_seconds": 180, "occurred_at": "2026-11-11T09:30:00+01:00"}`
    """

    call_id: Id
    """Made by the agent's screen; the same id sent again is the same call."""
    number: Number = ""
    """The customer's, as typed; empty where it is not known."""
    direction: Direction = Direction.INBOUND
    outcome: Outcome = "answered"
    note: Note = ""
    name: Annotated[str, msgspec.Meta(max_length=256)] = ""
    duration_seconds: Duration = 0
    occurred_at: Moment | None = None
    """When it began; now where it is left out."""


class CallRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"caller": "from", "called": "to"}
):
    """A call as a telephone system records it: the generic form that others are brought into.

    Example: `{"call_id": "1699.42", "direction": "inbound", "from": "+4930901820", "to": "+4930123456",
    "started_at": "2026-11-11T09:30:00+01:00", "duration_seconds": 180, "outcome": "answered"}`
    """

    call_id: Id
    """The telephone system's own id of the call."""
    direction: Direction
    caller: Number
    called: Number
    started_at: Moment
    outcome: Outcome
    duration_seconds: Duration = 0
    leg: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Which part of a call that was passed on; each is a call of its own."""
    name: Annotated[str, msgspec.Meta(max_length=256)] = ""


_note_decoder = msgspec.json.Decoder(CallNote)
_record_decoder = msgspec.json.Decoder(CallRecord)


def parse_note(raw: bytes, *, region: str, received_at: datetime) -> Call:
    """An agent's call note, from JSON. Raises UnreadablePayload with the field and the limit."""
    try:
        note = _note_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnreadablePayload.of(error) from None
    return note_to_call(note, region=region, received_at=received_at)


def parse_record(raw: bytes, *, region: str, received_at: datetime) -> Call:
    """A call record, from JSON. Raises UnreadablePayload with the field and the limit."""
    try:
        record = _record_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnreadablePayload.of(error) from None
    return record_to_call(record, region=region, received_at=received_at)


def note_to_call(note: CallNote, *, region: str, received_at: datetime) -> Call:
    """The note as our call. Raises UnreadablePayload for a call of tomorrow or before 1970."""
    return Call(
        call_id=note.call_id,
        direction=note.direction,
        handle=normalised(note.number, region),
        outcome=note.outcome,
        occurred_at=_believed(note.occurred_at, "occurred_at", received_at),
        duration_seconds=note.duration_seconds,
        note=without_controls(note.note),
        author=one_line(note.name),
    )


def record_to_call(record: CallRecord, *, region: str, received_at: datetime) -> Call:
    """The record as our call; the customer is the other end. Raises UnreadablePayload as `note_to_call` does."""
    customer = record.caller if record.direction is Direction.INBOUND else record.called
    return Call(
        call_id=f"{record.call_id}:{record.leg}" if record.leg else record.call_id,
        direction=record.direction,
        handle=normalised(customer, region),
        outcome=record.outcome,
        occurred_at=_believed(record.started_at, "started_at", received_at),
        duration_seconds=record.duration_seconds,
        author=one_line(record.name),
    )


def _believed(at: datetime | None, field: str, received_at: datetime) -> datetime:
    if at is None:
        return received_at
    if at.year < 1970 or at > received_at + CLOCK_SKEW_MAX:
        raise UnreadablePayload(field, "a call begins between 1970 and tomorrow")
    return plausible(at, received_at=received_at)
