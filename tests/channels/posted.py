"""Provider requests for the tests of channels."""

from collections.abc import Mapping
from datetime import UTC, datetime

from channels.edge.payload import Posted
from domain.account import AccountDefinition

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def posted(
    raw: bytes = b"", headers: Mapping[str, str] = {}, query: Mapping[str, str] = {}, *, url: str = ""
) -> Posted:
    """What a provider sent at noon."""
    return Posted(raw=raw, received_at=NOON, headers=dict(headers), query=dict(query), url=url)


def an_account(channel: str, address: str = "", **settings: str) -> AccountDefinition:
    """An account of the channel with these settings."""
    return AccountDefinition(channel=channel, name="Shop", queue_id="queue-1", address=address, settings=settings)
