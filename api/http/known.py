"""Things that must be there before somebody may change or see them."""

from typing import Any

from api.http.refusals import Unknown
from api.parts import Parts


async def demand_known(parts: Parts, stream: str) -> Any:
    """The decision state of a stream that has events. Raises Unknown.

    Asks the log, not a view: what was made a moment ago is known, also by another process.
    """
    state, version = await parts.commands.states.load(stream)
    if version == 0:
        raise Unknown(f"there is no {stream}")
    return state
