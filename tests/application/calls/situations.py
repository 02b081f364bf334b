"""Calls, their stages, and whose they turn out to be."""

from datetime import timedelta

from msgspec.structs import replace

from domain.calls.intake import Call
from domain.calls.stages import Direction, Stage
from tests.application.situations import NOON, Shop

NUMBER = "+8613800138000"
NOBODY = "customer-" + "0" * 32


def a_call(call_id: str = "c-1", handle: str = NUMBER, note: str = "", author: str = "") -> Call:
    return Call(
        call_id=call_id,
        direction=Direction.INBOUND,
        handle=handle,
        outcome="answered",
        occurred_at=NOON,
        duration_seconds=95,
        note=note,
        author=author,
    )


async def log(
    shop: Shop, call: Call, *, customer_id: str | None = None, conversation_id: str | None = None, key: str = ""
) -> str:
    """Whose call it was."""
    command = shop.command(key=key)
    _, found = await shop.calls.take(
        command, call, account_id="account-phone", customer_id=customer_id, conversation_id=conversation_id
    )
    return found


def stages_of(call_id: str, handle: str = NUMBER) -> tuple[Call, Call, Call]:
    """One that rings, is answered ten seconds later, and over after another ten."""
    over = replace(a_call(call_id, handle), duration_seconds=0, occurred_at=NOON + timedelta(seconds=20))
    answered = replace(over, outcome="", stage=Stage.ANSWERED, occurred_at=NOON + timedelta(seconds=10))
    return replace(answered, stage=Stage.RINGING, occurred_at=NOON), answered, over
