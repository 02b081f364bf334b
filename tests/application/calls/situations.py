"""Calls, their stages, and whose they turn out to be."""

from datetime import timedelta

from msgspec.structs import replace

from application.follower import Follower
from application.policies.follow_answered_calls import FollowAnsweredCalls
from domain.calls.intake import Call
from domain.calls.stages import Direction, Stage
from domain.conversation import Conversation
from tests.application.situations import NOON, Shop

NUMBER = "+8613800138000"
NOBODY = "customer-" + "0" * 32
LATER = timedelta(minutes=10)


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


def following(shop: Shop) -> Follower:
    return Follower(shop.log, FollowAnsweredCalls(shop.states, shop.serve, shop.steer, shop.positions, shop.clock))


class Line:
    """A phone account, and what is told of calls on it."""

    def __init__(self, shop: Shop, account_id: str) -> None:
        self.shop = shop
        self.account_id = account_id

    async def tell(self, *calls: Call) -> str:
        """Whose they are."""
        callers = set()
        for call in calls:
            self.shop.clock.now = max(self.shop.clock.now, call.occurred_at)
            callers.add((await self.shop.calls.take(self.shop.command(), call, account_id=self.account_id))[1])
        (caller,) = callers
        return caller

    async def missed(self) -> str:
        rings, _, over = stages_of("c-1")
        return await self.tell(rings, replace(over, outcome="missed"))

    async def only_conversation(self, caller: str) -> Conversation:
        (one,) = (await self.shop.customer(caller)).conversations.values()
        return one


def again(call_id: str = "c-2", after: timedelta = LATER) -> tuple[Call, Call, Call]:
    """A later call of the same customer, as it rings, is answered and over."""
    rings, answered, over = (replace(one, occurred_at=one.occurred_at + after) for one in stages_of(call_id))
    return rings, replace(answered, answered_by="Mei"), over
