"""Phone calls: written down by the agent who had them, or recorded by a telephone system."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.access.ownership import demand_customer
from api.access.permissions import Action, Reach, demand_account, own_agent
from api.http.answer import Answer, Stands, done_answer
from api.http.asked import Asked
from api.http.fields import NO_NUL, ConversationId, CustomerId, Moment, OptionalName
from api.http.operation import command
from api.http.refusals import Invalid
from application.commands import Done
from channels import phone
from domain.account import AccountDefinition, AccountPaused, AccountUnknown
from domain.calls.stages import Direction
from domain.person import Role

Number = Annotated[str, Meta(max_length=phone.NUMBER_LENGTH_MAX, extra_json_schema=NO_NUL)]
NoteText = Annotated[str, Meta(max_length=phone.NOTE_LENGTH_MAX, extra_json_schema=NO_NUL)]
CallId = Annotated[str, Meta(min_length=1, max_length=200, extra_json_schema=NO_NUL)]


class CallWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call as an agent writes it down."""

    call_id: CallId
    """Made by the caller; the same id on the same account is the same call."""
    number: Number = ""
    """The customer's, as typed; empty where it is not known."""
    direction: Direction = Direction.INBOUND
    outcome: phone.Outcome = "answered"
    note: NoteText = ""
    name: OptionalName = ""
    duration_seconds: phone.Duration = 0
    occurred_at: Moment | None = None
    """When it began; now where it is left out."""
    customer_id: CustomerId | None = None
    """With whom; whoever has this number, or somebody new, where it is left out."""
    conversation_id: ConversationId | None = None
    """What it belongs to; the customer's phone conversation where it is left out. Needs `customer_id`."""


class RecordWanted(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"caller": "from", "called": "to"}
):
    """A call as a telephone system records it."""

    call_id: CallId
    """The telephone system's own id of the call."""
    direction: Direction
    caller: Number
    called: Number
    started_at: Moment
    outcome: phone.Outcome
    duration_seconds: phone.Duration = 0
    leg: Annotated[str, Meta(max_length=64, extra_json_schema=NO_NUL)] = ""
    """Which part of a call that was passed on; each is a call of its own."""
    name: OptionalName = ""


class CallStands(Stands, kw_only=True):
    """Where the call was written down."""

    customer_id: str
    conversation_id: str


def _phone_account(asked: Asked[Any]) -> AccountDefinition:
    """Raises AccountUnknown, AccountPaused, Unknown."""
    account_id = asked.ids["account_id"]
    if asked.person.role is Role.ADAPTER:
        demand_account(asked.person, account_id)
    account = asked.parts.directory.account(account_id)
    if account is None or account.definition is None or account.definition.channel != "phone":
        raise AccountUnknown(f"there is no telephone account {account_id}")
    if account.is_paused:
        raise AccountPaused
    return account.definition


async def _answer(asked: Asked[Any], done: Done) -> Answer:
    """From the log, so that a repeat names the customer that the call was written down with the first time."""
    logged = await asked.parts.log.at(done.position)
    assert logged is not None  # every call leads to an event
    conversation_id = getattr(logged.event, "conversation_id", "")  # none where the caller was erased
    stands = CallStands(position=done.position, customer_id=logged.stream, conversation_id=conversation_id)
    return done_answer(done, stands, status=201)


@command(
    "/v1/phone/{account_id}/calls",
    Action.LOG_CALLS,
    takes=CallWanted,
    gives=CallStands,
    status=201,
    example={"call_id": "0193a7c2-77", "number": "+49 30 901820", "note": "Wants a refund", "duration_seconds": 180},
)
async def log_call(asked: Asked[CallWanted]) -> Answer:
    """Write a call down.

    Agents write it down as theirs. The same `call_id` on the same account is written down once. With that of a call
    that the telephone system tells of by itself, as `calls` shows it, the note is added to the call's conversation.
    """
    given = asked.given
    definition = _phone_account(asked)
    if given.conversation_id is not None and given.customer_id is None:
        raise Invalid("$.customer_id", "needed where conversation_id is given")
    if given.customer_id is not None:
        await demand_customer(asked, given.customer_id)
    call = phone.note_to_call(
        phone.CallNote(
            call_id=given.call_id,
            number=given.number,
            direction=given.direction,
            outcome=given.outcome,
            note=given.note,
            name=given.name,
            duration_seconds=given.duration_seconds,
            occurred_at=given.occurred_at,
        ),
        region=phone.read_settings(definition).region,
        received_at=asked.at,
    )
    done, _ = await asked.parts.calls.write_down(
        asked.command,
        call,
        account_id=asked.ids["account_id"],
        agent_id=own_agent(asked.person) if asked.reach is Reach.OWN and asked.person.role is Role.AGENT else None,
        customer_id=given.customer_id,
        conversation_id=given.conversation_id,
    )
    return await _answer(asked, done)


@command(
    "/v1/phone/{account_id}/records",
    Action.LOG_CALLS,
    takes=RecordWanted,
    gives=CallStands,
    status=201,
    key="optional",
    example={
        "call_id": "1699.42",
        "direction": "inbound",
        "from": "+4930901820",
        "to": "+4930123456",
        "started_at": "2026-11-11T09:30:00+01:00",
        "duration_seconds": 180,
        "outcome": "answered",
    },
)
async def record_call(asked: Asked[RecordWanted]) -> Answer:
    """Take a call record in.

    For telephone systems. The same `call_id` and `leg` is the same call, so no Idempotency-Key is needed. One that was
    missed within the last hour waits in the account's queue, so that somebody calls back.
    """
    definition = _phone_account(asked)
    call = phone.record_to_call(
        phone.CallRecord(**msgspec.structs.asdict(asked.given)),
        region=phone.read_settings(definition).region,
        received_at=asked.at,
    )
    done, _ = await asked.parts.calls.take(asked.command, call, account_id=asked.ids["account_id"])
    return await _answer(asked, done)


OPERATIONS = (log_call, record_call)
