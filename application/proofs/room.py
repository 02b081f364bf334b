"""Whether an agent has room, told a second time: units, how many of a channel at once, and what interrupts what."""

from domain.agent import Agent
from domain.policy import RoutingPolicy


def crowded_by(somebody: Agent, rules: RoutingPolicy, *, channel: str, kind: str, units: int) -> str:
    """Why such work finds no room; empty where it does: `2 of 2 units held, 2 more asked`."""
    of_channel = in_the_way = 0
    for held in somebody.work.values():
        if kind in rules.blocks.get(held.kind, ()):
            return f"beside work of kind {held.kind}, which blocks {kind}"
        of_channel += held.channel == channel
        if kind not in rules.yields.get(held.kind, ()):
            in_the_way += held.units
    at_most = rules.at_most.get(channel)
    if at_most is not None and of_channel >= at_most:
        return f"beside {of_channel} of at most {at_most} of {channel}"
    if in_the_way + units > somebody.capacity:
        return f"{in_the_way} of {somebody.capacity} units held, {units} more asked"
    return ""
