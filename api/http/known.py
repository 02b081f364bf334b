"""Things that must be there before somebody may change or see them: asked of the log, not of a view."""

from typing import Any

from api.http.refusals import Unknown
from api.parts import Parts
from application.plans.situation import FRESH_SECONDS_MAX


async def demand_known(parts: Parts, stream: str) -> Any:
    """The decision state of a stream that has events. What was made a moment ago is known. Raises Unknown."""
    state, version = await parts.commands.states.load(stream)
    if version == 0:
        raise Unknown(f"there is no {stream}")
    return state


async def know_agents(parts: Parts) -> None:
    """Waits for the directory: who was registered or taught a moment ago, by whatever process, counts from then on."""
    await parts.followers["directory"].reached(await parts.log.head(), FRESH_SECONDS_MAX)


async def fresh_state(parts: Parts, stream: str) -> tuple[Any, int]:
    """State and version as the log has them now: another process may have appended, and this one not noticed.

    Costs one look at an index where nothing is new. For permissions, which must not outlive what they rest on.
    """
    states = parts.commands.states
    state, version = await states.load(stream)
    if version and await states.moved_on(stream, version):
        return await states.load(stream)
    return state, version
