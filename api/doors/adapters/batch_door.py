"""The adapter door over HTTP for up to 500 messages at once: one that is refused keeps none of the others away."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from api.access.permissions import Action, demand_account
from api.doors.adapters.adapter_door import EXAMPLE, Taken, headers_of, taken
from api.doors.adapters.reading import message_of, pointer_of, read_apart
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.operation import command
from api.http.problems import MEDIA_TYPE, Problem, problem_of
from api.http.refusals import Invalid
from application.use_cases.receive_messages import Receipt
from channels.adapter import AdapterBatch, AdapterMessage
from channels.edge.payload import UnreadablePayload
from domain.account import AccountPaused, AccountUnknown
from domain.event import RuleBroken
from domain.intake import InboundMessage


class BatchTaken(msgspec.Struct, frozen=True, kw_only=True):
    """Where each message of the batch stands, in its order, and the newest position of them."""

    position: int
    messages: list[Taken]


class Stored(Taken, frozen=True, kw_only=True, omit_defaults=True, tag_field="outcome", tag="stored"):
    """It is in the log now."""


class Recognised(Taken, frozen=True, kw_only=True, omit_defaults=True, tag_field="outcome", tag="recognised"):
    """It had been stored before."""


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag_field="outcome", tag="refused"):
    """It is not stored, and is not until what is wrong with it has been mended.

    Each of the problem's `errors` names its place in the batch by `field` and, as RFC 6901 does, by `pointer`:
    `"$.messages[3].handle"`, `"/messages/3/handle"`.
    """

    problem: Problem


class BatchTakenInPart(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each message of the batch, in its order, and the newest position of those that are stored."""

    position: int
    messages: list[Stored | Recognised | Refused]


Given = AdapterBatch | list[AdapterMessage | Invalid]
"""A batch; or its messages one by one, where not all of them could be read."""


@command(
    "/v1/accounts/{account_id}/messages/batch",
    Action.BRING_MESSAGES,
    takes=AdapterBatch,
    gives=BatchTaken,
    status=201,
    key="optional",
    example={"messages": [EXAMPLE]},
    read_apart=read_apart,
    other_answers={207: BatchTakenInPart},
)
async def bring_messages(asked: Asked[Any]) -> Answer:
    """Bring up to 500 messages in.

    201: all of them are durable. 207: some are; the others were refused, and each says why: mend those and hand them in
    again, with the rest or without. 4xx: nothing was stored, where each message is at fault all of them are named.
    Where the answer is 409 or 503, some may be stored already; hand the whole batch in again, and those keep their
    first answer.
    """
    demand_account(asked.person, asked.ids["account_id"])
    messages, refused = _read(asked)
    receipts = await _store(asked, messages, refused) if messages else {}
    if not receipts:
        return _refused(asked, refused)
    asked.edge.count_received("adapter", len(receipts))
    position = max(receipt.position for receipt in receipts.values())
    headers = headers_of(list(receipts.values()), position)
    if not refused:
        return json_answer(
            BatchTaken(position=position, messages=[taken(one) for one in receipts.values()]), 201, headers
        )
    outcomes: list[Stored | Recognised | Refused] = [
        _outcome(receipts[place]) if place in receipts else Refused(problem=_problem(asked, place, refused[place]))
        for place in range(len(receipts) + len(refused))
    ]
    return json_answer(BatchTakenInPart(position=position, messages=outcomes), 207, headers)


def _read(asked: Asked[Any]) -> tuple[dict[int, InboundMessage], dict[int, Exception]]:
    """The messages, and why others are none, by their place in the batch."""
    given: Given = asked.given
    account_id = asked.ids["account_id"]
    messages: dict[int, InboundMessage] = {}
    refused: dict[int, Exception] = {}
    for place, one in enumerate(given.messages if isinstance(given, AdapterBatch) else given):
        if isinstance(one, Invalid):
            refused[place] = one
            continue
        try:
            messages[place] = message_of(one, account_id, received_at=asked.at)
        except UnreadablePayload as error:
            refused[place] = error
    return messages, refused


async def _store(
    asked: Asked[Any], messages: dict[int, InboundMessage], refused: dict[int, Exception]
) -> dict[int, Receipt]:
    """All together; where a rule refuses one, each by itself. Raises what concerns the account, or the log."""
    account_id, command, receive = asked.ids["account_id"], asked.command, asked.parts.receive.receive
    try:
        return dict(zip(messages, await receive(account_id, list(messages.values()), command), strict=True))
    except (AccountUnknown, AccountPaused):
        raise
    except RuleBroken:
        command = replace(command, claim=None)  # which was taken before the first of them was looked at
    receipts: dict[int, Receipt] = {}
    for place, message in messages.items():
        try:
            (receipts[place],) = await receive(account_id, (message,), command)
        except (AccountUnknown, AccountPaused):
            raise
        except RuleBroken as refusal:
            refused[place] = refusal
    return dict(sorted(receipts.items()))


def _outcome(receipt: Receipt) -> Stored | Recognised:
    return (Recognised if receipt.is_repeat else Stored)(**asdict(taken(receipt)))


def _problem(asked: Asked[Any], place: int, error: Exception) -> Problem:
    """With the place in the batch of what is wrong."""
    problem, kind = problem_of(error, asked.path)
    asked.parts.metrics.refused.labels(kind.slug).inc()
    problem.errors = list(_placed(problem, place))
    return problem


def _placed(problem: Problem, place: int) -> Iterator[dict[str, str | int]]:
    for error in problem.errors or [{"field": "$", "detail": problem.detail or problem.title}]:
        field = f"$.messages[{place}]{str(error['field'])[1:]}"
        yield {**error, "field": field, "pointer": pointer_of(field)}


def _refused(asked: Asked[Any], refused: dict[int, Exception]) -> Answer:
    """To a batch of which nothing was taken: the first problem, and where each message is at fault."""
    problems = [_problem(asked, place, error) for place, error in sorted(refused.items())]
    first = problems[0]
    first.errors = [error for problem in problems for error in problem.errors]
    slug = first.type.rpartition("/")[2]
    return Answer(first.status, msgspec.json.encode(first), media_type=MEDIA_TYPE, problem=slug)


OPERATIONS = (bring_messages,)
