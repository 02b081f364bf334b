"""A channel that answers by a script, and what is recorded of its answers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from application.exchange.attempts import Attempts, Provider
from application.exchange.limits import Limits, Rate
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Send
from application.exchange.spent import Spent
from application.follower import Follower
from application.policies.send_replies import SendReplies
from domain.account import AccountDefinition
from domain.event import Event
from domain.outbound.delivery import DeliveryAccepted, DeliveryAttempted, DeliveryRejected, DeliveryUnknown
from infrastructure.outbox import PostgresOutbox
from infrastructure.stuck_replies import PostgresStuckReplies
from tests.application.policies.media.situations import a_store
from tests.application.situations import NOON, Case, Shop

NOT_NOW = Rejected(reason="the channel has no time", refusal=Refusal.RETRY_LATER)


QUICK = Limits(rates=(Rate(1_000, 1.0),), retry_for=timedelta(hours=1))
"""A channel that allows nearly everything."""


class Killed(BaseException):
    """The process ends here."""


class Channel:
    """A channel that answers as the script says, and `Accepted` when the script is over."""

    def __init__(self, *script: Outcome | BaseException) -> None:
        self.script = list(script)
        self.sent: list[Outgoing] = []

    async def send(self, account: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
        del account, client  # nothing leaves this process
        self.sent.append(reply)
        await asyncio.sleep(0)
        if not self.script:
            return Accepted(provider_id=f"p-{len(self.sent)}")
        answer = self.script.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Sender:
    """The policy as a process runs it that starts now, with its follower. Chance adds nothing to a pause."""

    def __init__(
        self,
        shop: Shop,
        channels: Mapping[str, Send],
        limits: Mapping[str, Limits] = {},
        timeout_seconds: float = 5,
        folder: Path = Path("/nonexistent"),
    ) -> None:
        """`folder`: of the media store, which only replies with files ask for."""
        providers = {name: Provider(send=send, limits=limits.get(name, QUICK)) for name, send in channels.items()}
        self.client = httpx.AsyncClient(timeout=timeout_seconds)
        self.store = a_store(folder)
        attempts = Attempts(shop.commands, shop.directory, providers, self.client, shop.clock, lambda: 1.0, self.store)
        self.outbox = PostgresOutbox(shop.log.pool)
        self.stuck = PostgresStuckReplies(shop.url, shop.log.pool)
        spent = Spent(shop.log, shop.states)
        self.policy = SendReplies(
            shop.log,
            shop.directory,
            attempts,
            providers,
            self.outbox,
            spent,
            self.stuck,
            shop.clock,
            shop.clock.monotonic,
            look_seconds=0.01,
        )
        self.follower = Follower(shop.log, self.policy)

    async def catch_up(self) -> None:
        """All that is due at this moment has been tried, and what came of it been read from the log."""
        await self.stuck.open()
        await self.follower.catch_up()
        await self.policy.settle()
        await self.follower.catch_up()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As in production: it follows, and sends beside."""
        await self.stuck.open()
        task = asyncio.create_task(self.follower.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def sending(shop: Shop, channel: Channel, limits: Limits = QUICK) -> Sender:
    """As `Sender`, for web chats."""
    return Sender(shop, {"webchat": channel.send}, {"webchat": limits})


async def reply(shop: Shop, case: Case, text: str = "Here is your refund.") -> str:
    """The message's id."""
    _, message_id = await shop.serve.reply(shop.command(), *case.ids, case.agent_id, text)
    return message_id


def attempted(case: Case, message_id: str, attempt: int) -> DeliveryAttempted:
    return DeliveryAttempted(
        conversation_id=case.conversation_id, message_id=message_id, attempt=attempt, agent_id=case.agent_id
    )


def rejected(
    case: Case, message_id: str, answer: Rejected, *, is_final: bool, retry_at: datetime | None = None
) -> DeliveryRejected:
    return DeliveryRejected(
        conversation_id=case.conversation_id,
        message_id=message_id,
        reason=answer.reason,
        is_final=is_final,
        agent_id=case.agent_id,
        refusal=answer.refusal,
        retry_at=retry_at,
    )


def unknown(case: Case, message_id: str, reason: str, *, at: datetime = NOON) -> DeliveryUnknown:
    return DeliveryUnknown(
        conversation_id=case.conversation_id,
        message_id=message_id,
        reason=reason,
        agent_id=case.agent_id,
        settle_at=at + timedelta(minutes=10),
    )


def accepted(case: Case, message_id: str, provider_id: str) -> DeliveryAccepted:
    return DeliveryAccepted(
        conversation_id=case.conversation_id, message_id=message_id, provider_id=provider_id, agent_id=case.agent_id
    )


async def deliveries(shop: Shop, after: int) -> list[Event]:
    return [event for event in await shop.since(after) if event.TOPIC.startswith("conversation.delivery")]
