"""What is set up goes one after the other, on however many nodes: each is judged beside all that was set up before it.

Two that are judged beside the same, and are each all right by themselves, could together break what was promised: one
retires the queue that the other overflows to. So whatever is set up claims to be the next after the last that it was
judged beside. Of two that claim the same the later is judged anew, beside the other. No expected version could tell:
the queue that would forbid it may be new.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from application.claims import ClaimKeys
from application.commands import ATTEMPTS_MAX, ClaimTaken, Contended
from application.log import Claim
from application.plans.situation import Situation

T = TypeVar("T")


async def in_turn(
    keys: ClaimKeys, look: Callable[[], Awaitable[Situation]], set_up: Callable[[Situation, Claim], Awaitable[T]]
) -> T:
    """What `set_up` gives, which makes the claim with what it appends, if anything. Raises Contended, and theirs."""
    latest = 0
    for _ in range(ATTEMPTS_MAX):
        situation = await look()
        try:
            return await set_up(situation, keys.set_up_behind(max(latest, situation.set_up_at)))
        except ClaimTaken as taken:  # by what came next; where nobody here can read that, it is the last all the same
            latest = max(latest, taken.outcome.position)
    raise Contended
