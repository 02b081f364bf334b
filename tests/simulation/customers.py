"""What customers do, and what their providers do with it."""

import asyncio

from domain.intake import InboundMessage
from tests.application.situations import Shop, a_message
from tests.simulation.scene import Scene


async def write(scene: Scene, process: Shop) -> None:
    """A customer, perhaps a new one, writes once or a few times."""
    account_id, sender = scene.random.choice(scene.accounts), f"visitor {scene.random.randint(1, 12)}"
    messages = [a_message(f"m-{len(scene.sent) + nth}", sender) for nth in range(scene.random.choice((1, 1, 1, 3)))]
    scene.sent += [(account_id, message) for message in messages]
    await _deliver(scene, process, account_id, messages)


async def write_again(scene: Scene, process: Shop) -> None:
    """The provider delivers something again, perhaps altered, perhaps twice at once, perhaps among others."""
    if not scene.sent:
        return
    account_id, message = scene.random.choice(scene.sent)
    if scene.chance(0.3):
        altered = scene.random.choice(("Oslo", "Rome"))
        message = a_message(message.provider_id, message.handle, altered)
        scene.sent.append((account_id, message))
    batch = [message] * scene.random.choice((1, 1, 2))
    deliveries = [_deliver(scene, process, account_id, batch)]
    if scene.chance(0.5):
        deliveries.append(_deliver(scene, scene.anywhere, account_id, batch))
    await asyncio.gather(*(scene.tried(delivery) for delivery in deliveries))


async def _deliver(scene: Scene, process: Shop, account_id: str, messages: list[InboundMessage]) -> None:
    receipts = await process.receive(*messages, account_id=account_id)
    scene.receipts += [(account_id, *pair) for pair in zip(messages, receipts, strict=True)]


def demand_receipts_are_true(scene: Scene) -> None:
    """What was accepted is stored at its position, with its content; nothing is stored that nobody sent."""
    stored = scene.witness.messages
    for account_id, message, receipt in scene.receipts:
        if receipt.is_contradiction:
            assert (receipt.message_id, message.content) in scene.witness.contradictions
        else:
            told = stored[receipt.position]
            assert (told.account_id, told.provider_id, told.content, told.message_id) == (
                account_id, message.provider_id, message.content, receipt.message_id,
            )  # fmt: skip
    sent = {(account_id, message.provider_id, message.content) for account_id, message in scene.sent}
    assert {(one.account_id, one.provider_id, one.content) for one in stored.values()} <= sent
    taken = {(account_id, message.provider_id) for account_id, message, _ in scene.receipts}
    assert taken <= {(one.account_id, one.provider_id) for one in stored.values()}
