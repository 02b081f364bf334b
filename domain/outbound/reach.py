"""Whether a customer takes messages at an address: they unsubscribed there or blocked us, until they come back."""

from collections.abc import Mapping
from enum import StrEnum

from domain.event import RuleBroken


class CustomerUnreachable(RuleBroken):
    """The customer unsubscribed or blocked this account: nothing reaches them until they come back."""


class Reach(StrEnum):
    """What a customer made of an account, as its channel tells."""

    UNSUBSCRIBED = "unsubscribed"
    """They said STOP: only START lifts it, whatever else they write. Source: Twilio, opt-out keywords."""
    BLOCKED = "blocked"
    """They blocked the account or left it, which is over when it says so, or they write: nobody can do both."""
    OPEN = "open"
    """They came back."""


def reach_after(stopped: Mapping[str, Reach], handle: str, told: Reach | None) -> dict[str, Reach]:
    """The addresses that take nothing, behind a message from one of them; `told`: what it says about that, if anything.

    Example: `{"+4930901820": "unsubscribed"}`; from there START comes → `{}`
    """
    if told in {Reach.UNSUBSCRIBED, Reach.BLOCKED}:
        return {**stopped, handle: told}
    if told is None and stopped.get(handle) is Reach.UNSUBSCRIBED:
        return dict(stopped)
    return {one: why for one, why in stopped.items() if one != handle}


def reach_refused(stopped: Mapping[str, Reach], *, unsubscribed: str, blocked: str) -> dict[str, Reach]:
    """The addresses that take nothing, behind a send that was refused because of it; each empty where it was not.

    A block does not hide that somebody unsubscribed, which ends otherwise.
    """
    known = dict(stopped)
    if blocked:
        known.setdefault(blocked, Reach.BLOCKED)
    if unsubscribed:
        known[unsubscribed] = Reach.UNSUBSCRIBED
    return known
