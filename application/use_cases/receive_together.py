"""Receive messages that come one by one: those that come at the same moment are taken in together.

What a message costs is mostly what each *call* costs, from its turn to its append: fifty in one cost as much as four
alone. Nobody waits for it: what has come is taken as soon as the loop has looked at all requests that are there.
"""

import asyncio

from application.commands import Command
from application.use_cases.receive_messages import Receipt, ReceiveMessages
from domain.intake import InboundMessage

TOGETHER_MAX = 100
"""Messages taken in together; the others go with the next."""

Waiting = tuple[InboundMessage, Command, "asyncio.Future[Receipt]"]


class ReceiveTogether:
    """Takes single messages in, each with an answer of its own."""

    def __init__(self, receive: ReceiveMessages) -> None:
        self._receive = receive
        self._waiting: dict[tuple[str, str], list[Waiting]] = {}
        """By account and actor."""
        self._under_way: set[asyncio.Task[None]] = set()

    async def receive(self, account_id: str, message: InboundMessage, command: Command) -> Receipt:
        """As `ReceiveMessages.receive` for one message. A command with a claim goes by itself."""
        if command.claim is not None:
            (receipt,) = await self._receive.receive(account_id, (message,), command)
            return receipt
        here = (account_id, command.actor)
        answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(here)
        if waiting is None or len(waiting) >= TOGETHER_MAX:
            waiting = self._waiting[here] = []
            task = asyncio.create_task(self._take(here, waiting))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        waiting.append((message, command, answer))
        return await answer

    async def _take(self, here: tuple[str, str], waiting: list[Waiting]) -> None:
        if self._waiting.get(here) is waiting:
            del self._waiting[here]  # who comes from now on goes with the next
        account_id = here[0]
        try:
            receipts = await self._receive.receive(account_id, [one for one, _, _ in waiting], waiting[-1][1])
        except Exception as error:  # noqa: BLE001  # whose it is shows when each is taken by itself
            if len(waiting) == 1:
                _fail(waiting[0][2], error)
            else:
                await asyncio.gather(*(self._take(here, [one]) for one in waiting))
            return
        for (_, _, answer), receipt in zip(waiting, receipts, strict=True):
            if not answer.done():  # else whoever asked has gone
                answer.set_result(receipt)


def _fail(answer: "asyncio.Future[Receipt]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
