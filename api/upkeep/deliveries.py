"""Deliveries of providers, for those who look after a deployment: which are parked, why, and once more."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.access.permissions import Action
from api.doors.trust import unpacked
from api.http.answer import Answer, done_answer, json_answer
from api.http.asked import Asked
from api.http.fields import AccountId
from api.http.operation import Nothing, command, read
from api.http.pages import Cursor, Limit
from api.http.refusals import Unknown
from application.exchange.deliveries import DeliveryNotParked, DeliveryState, Kept, Wanted
from domain.event import Event

ChannelName = Annotated[str, Meta(pattern="^[a-z-]{1,64}$", max_length=64)]


class DeliveriesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries."""

    state: Literal["waiting", "parked", "done"] = "parked"
    channel: ChannelName | None = None
    account_id: AccountId | None = None
    """Those that may be for this account: its secret fits."""
    limit: Limit = 50
    cursor: Cursor | None = None
    """`next_cursor` of the page before."""


class DeliveryShown(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery without what was in it."""

    id: str
    channel: str
    account_ids: tuple[str, ...]
    """The accounts whose secret fits."""
    received_at: datetime
    state: DeliveryState
    attempts: int
    """To read it, since it came or was last taken up again."""
    error: str
    """Why it is parked or waits: class and sentence."""
    next_attempt_at: datetime
    size_bytes: int
    """With headers and address, before sealing."""


class DeliveriesShown(msgspec.Struct, frozen=True, kw_only=True):
    """A page, the newest first. The last page has no `next_cursor`."""

    items: list[DeliveryShown]
    next_cursor: str | None


class RetryWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the parked ones; all where nothing is said."""

    channel: ChannelName | None = None
    account_id: AccountId | None = None


def _shown(kept: Kept) -> DeliveryShown:
    return msgspec.convert(kept, DeliveryShown, from_attributes=True)


@read("/v1/deliveries", Action.READ_DELIVERIES, takes=DeliveriesQuery, gives=DeliveriesShown)
async def list_deliveries(asked: Asked[DeliveriesQuery]) -> Answer:
    """Providers' deliveries, the parked ones if nothing else is asked for."""
    given = asked.given
    wanted = Wanted(state=DeliveryState(given.state), channel=given.channel or "", account_id=given.account_id or "")
    kept, cursor = await asked.parts.deliveries.page(wanted, cursor=given.cursor, limit=given.limit)
    return json_answer(DeliveriesShown(items=[_shown(one) for one in kept], next_cursor=cursor))


@read("/v1/deliveries/{delivery_id}", Action.READ_DELIVERIES, gives=DeliveryShown)
async def read_delivery(asked: Asked[Nothing]) -> Answer:
    """One delivery: where it stands and why."""
    return json_answer(_shown(await _known(asked)))


@read(
    "/v1/deliveries/{delivery_id}/raw",
    Action.READ_RAW_DELIVERIES,
    gives=None,
    answer_media_type="application/octet-stream",
)
async def read_raw_delivery(asked: Asked[Nothing]) -> Answer:
    """The body of a delivery, byte for byte as the provider sent it.

    It holds what customers wrote. 404 where it has expired.
    """
    content = await asked.parts.deliveries.content(asked.ids["delivery_id"])
    if content is None:
        raise Unknown
    headers = [("content-disposition", f'attachment; filename="{asked.ids["delivery_id"]}.bin"')]
    return Answer(200, unpacked(content).raw, headers, "application/octet-stream")


@command("/v1/deliveries/{delivery_id}/retry", Action.RETRY_DELIVERIES)
async def retry_delivery(asked: Asked[Nothing]) -> Answer:
    """Take a parked delivery up again.

    After what was wrong has been mended: an account set up, a parser improved. What of it is stored already stays once.
    """
    parts, kept = asked.parts, await _known(asked)

    def decide() -> list[list[Event]]:
        if kept.state is not DeliveryState.PARKED:
            raise DeliveryNotParked(f"{kept.id} is {kept.state}")
        return []

    done = await parts.commands.carry_out(asked.command, [], decide)
    if not done.is_repeat:
        await parts.deliveries.take_one_up_again(asked.at, kept.id)
        parts.deliveries.moved()
    return done_answer(done)


@command("/v1/deliveries/retry", Action.RETRY_DELIVERIES, takes=RetryWanted, example={"channel": "whatsapp"})
async def retry_deliveries(asked: Asked[RetryWanted]) -> Answer:
    """Take all parked deliveries of a channel or an account up again, or all there are."""
    parts, given = asked.parts, asked.given
    done = await parts.commands.carry_out(asked.command, [], list)
    if not done.is_repeat:
        wanted = Wanted(channel=given.channel or "", account_id=given.account_id or "")
        await parts.deliveries.take_up_again(asked.at, wanted)
        parts.deliveries.moved()
    return done_answer(done)


async def _known(asked: Asked[Nothing]) -> Kept:
    """Raises Unknown."""
    kept = await asked.parts.deliveries.get(asked.ids["delivery_id"])
    if kept is None:
        raise Unknown
    return kept


OPERATIONS = (list_deliveries, read_delivery, read_raw_delivery, retry_delivery, retry_deliveries)
