"""A channel that answers by a script, and what is recorded of its answers."""

import asyncio
from collections.abc import Sequence

import httpx

from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected
from application.follower import Follower
from application.policies.send_replies import SendReplies
from domain.account import AccountDefinition
from domain.event import Event
from domain.interaction import DeliveryAccepted, DeliveryAttempted, DeliveryRejected
from tests.application.situations import Case, Shop

NOT_NOW = Rejected(reason="the channel has no time", refusal=Refusal.RETRY_LATER)


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


def sending(shop: Shop, channel: Channel, pauses_seconds: Sequence[float] = (0, 0)) -> Follower:
    """The policy, as a process runs it that starts now."""
    senders = {"webchat": channel.send}
    client = httpx.AsyncClient()
    policy = SendReplies(shop.commands, shop.directory, senders, client, shop.positions, shop.clock, pauses_seconds)
    return Follower(shop.log, policy)


async def reply(shop: Shop, case: Case, text: str = "Here is your refund.") -> str:
    """The message's id."""
    _, message_id = await shop.serve.reply(shop.command(), *case.ids, case.agent_id, text)
    return message_id


def attempted(case: Case, message_id: str, attempt: int) -> DeliveryAttempted:
    return DeliveryAttempted(
        conversation_id=case.conversation_id, message_id=message_id, attempt=attempt, agent_id=case.agent_id
    )


def rejected(case: Case, message_id: str, reason: str, *, is_final: bool) -> DeliveryRejected:
    return DeliveryRejected(
        conversation_id=case.conversation_id,
        message_id=message_id,
        reason=reason,
        is_final=is_final,
        agent_id=case.agent_id,
    )


def accepted(case: Case, message_id: str, provider_id: str) -> DeliveryAccepted:
    return DeliveryAccepted(
        conversation_id=case.conversation_id, message_id=message_id, provider_id=provider_id, agent_id=case.agent_id
    )


async def deliveries(shop: Shop, after: int) -> list[Event]:
    return [event for event in await shop.since(after) if event.TOPIC.startswith("conversation.delivery")]
