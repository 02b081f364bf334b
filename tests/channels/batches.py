"""The law of batches: however a provider cuts, orders or repeats its deliveries, the same things come out of them."""

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from channels.edge.payload import Delivery

BATCHED = ("entry", "changes", "messaging", "standby", "messages", "message_echoes", "statuses", "events")
"""Names of the lists whose order means nothing."""


def items_of(*deliveries: Delivery) -> set[bytes]:
    """Everything that was in them, to be compared."""
    kinds = ("messages", "echoes", "calls", "reports", "ignored")
    return {
        kind.encode() + msgspec.json.encode(item)
        for delivery in deliveries
        for kind in kinds
        for item in getattr(delivery, kind)
    }


def shuffled(payload: Any, random: Random) -> Any:
    """The payload with every batch in it in another order."""
    if isinstance(payload, list):
        return [shuffled(one, random) for one in payload]
    if not isinstance(payload, dict):
        return payload
    turned = {name: shuffled(one, random) for name, one in payload.items()}
    for name in BATCHED:
        if isinstance(turned.get(name), list):
            random.shuffle(turned[name])
    return turned


def demand_batch_law(payloads: list[Any], merged: list[Any], read: Callable[[Any], Delivery]) -> int:
    """Each alone, each twice, all in another order, and merged: the same items. Gives how many there were."""
    alone = items_of(*(read(one) for one in payloads))

    assert items_of(*(read(one) for one in (*payloads, *payloads))) == alone
    for seed in range(5):
        random = Random(seed)
        turned = [shuffled(one, random) for one in payloads]
        random.shuffle(turned)
        assert items_of(*(read(one) for one in turned)) == alone
        assert items_of(*(read(shuffled(one, random)) for one in merged)) == alone
    assert items_of(*(read(one) for one in merged)) == alone
    return len(alone)
