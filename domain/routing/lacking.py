"""What an agent lacks for some work, in words; room and presence apart."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from domain.agent import Agent


def lacking(
    agent: Agent, counting: Mapping[str, int], skills: Iterable[tuple[str, int]], groups: Collection[str]
) -> Iterator[str]:
    """Each thing: `no skill lang:zh at level 5, has 3`, `in none of the groups night`. Of the skills `counting` now."""
    for skill, level in skills:
        if counting.get(skill, 0) < level:
            yield f"no skill {skill} at level {level}, has {counting.get(skill, 0)}"
    if groups and not agent.groups.intersection(groups):
        yield f"in none of the groups {', '.join(groups)}"


def bars(
    agent: Agent,
    counting: Mapping[str, int],
    skills: Iterable[tuple[str, int]],
    groups: Collection[str],
    channel: str,
) -> str:
    """The first thing that keeps the agent from such work; empty where nothing does, room and presence apart."""
    return next(lacking(agent, counting, skills, groups), "") or off_channel(agent, channel)


def off_channel(agent: Agent, channel: str) -> str:
    """`does not serve email`; empty where they do."""
    return "" if agent.may_serve(channel) else f"does not serve {channel}"
