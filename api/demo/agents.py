"""The agents: each signs in over HTTP, works from their own socket, accepts, answers and closes."""

import asyncio
import random
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from api.demo.client import Client
from api.demo.scene import Scene
from api.demo.shop import ANSWERS, PASSWORD, PICTURE, DemoAgent
from channels.table import CHANNELS

DECLINES = 0.04
"""How often an agent says no to an offer."""
ANSWERED_CHANNELS = frozenset(name for name, channel in CHANNELS.items() if channel.takes_replies)
"""Where replies go out; elsewhere the agent writes a note instead."""


class AtWork:
    """One agent at work."""

    def __init__(self, agent: DemoAgent, agent_id: str, scene: Scene, *, pace: float, seed: str) -> None:
        self._agent = agent
        self._id = agent_id
        self._scene = scene
        self._pace = pace
        self._random = random.Random(seed)
        self._busy_with: dict[str, asyncio.Task[None]] = {}
        self._cards: dict[str, dict[str, Any]] = {}
        self._changed = asyncio.Condition()

    async def work(self, nobody: Client) -> None:
        """Until it is cancelled."""
        client = await nobody.sign_in(self._agent.login, PASSWORD)
        await client.post(f"/v1/agents/{self._id}/sign_in")
        async with client.socket() as socket:
            await socket.send('{"type":"watch","watch":"inbox"}')
            await self._available(client)
            try:
                async for raw in socket:
                    await self._see(client, msgspec.json.decode(raw))
            finally:
                for task in self._busy_with.values():
                    task.cancel()
                await asyncio.gather(*self._busy_with.values(), return_exceptions=True)
                self._busy_with.clear()

    async def _available(self, client: Client) -> None:
        await client.post(f"/v1/agents/{self._id}/change_presence", {"presence": "available"})

    async def _see(self, client: Client, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "snapshot":
                self._cards = {row["id"]: row for row in frame["rows"]}
            case "put":
                row = frame["row"]
                self._cards[row["id"]] = row
                recorded = datetime.fromisoformat(row["updated_at"])
                self._scene.latencies.append(max(0.0, (datetime.now(UTC) - recorded).total_seconds()))
            case "gone":
                self._cards.pop(frame["key"], None)
        async with self._changed:
            self._changed.notify_all()
        for card_id in self._cards:
            if card_id not in self._busy_with or self._busy_with[card_id].done():
                self._busy_with[card_id] = asyncio.create_task(self._serve(client, card_id))

    async def _serve(self, client: Client, card_id: str) -> None:
        """Looks at the card as it stands and does what comes next, until there is nothing more to do."""
        while (card := self._cards.get(card_id)) is not None:
            path = f"/v1/customers/{card['customer_id']}/conversations/{card_id}"
            seen = card["conversation"]["revision"]
            if not await self._next(client, card, path):
                return
            async with asyncio.timeout(10), self._changed:
                await self._changed.wait_for(partial(self._is_past, card_id, seen))

    def _is_past(self, card_id: str, revision: int) -> bool:
        card = self._cards.get(card_id)
        return card is None or card["conversation"]["revision"] != revision

    async def _next(self, client: Client, card: dict[str, Any], path: str) -> bool:
        """One step. False if there is none to take now."""
        conversation = card["conversation"]
        match conversation["status"]:
            case "offered":
                await self._think(0.2)
                verb = "decline" if self._random.random() < DECLINES else "accept"
                self._scene.declined += verb == "decline"
                body = {"reason": "on a break"} if verb == "decline" else None
                return bool(await client.post(f"{path}/offers/{conversation['offer_id']}/{verb}", body))
            case "assigned" if card.get("unanswered_since"):
                return await self._answer(client, card, path)
            case "assigned":
                await client.post(f"{path}/wrap_up")
                return True
            case "wrapping":
                await self._think(0.3)
                return await self._close(client, card, path, "answered")
        return False

    async def _answer(self, client: Client, card: dict[str, Any], path: str) -> bool:
        await self._think(1.0)
        text = self._random.choice(ANSWERS)
        if card["conversation"]["channel"] in ANSWERED_CHANNELS:
            reply = {"text": text, "attachments": await self._label(client, card, path)}
            is_written = bool(await client.post(f"{path}/reply", reply))
            self._scene.replies += is_written  # not around the await: others count meanwhile
            await self._think(1.0)
            return True
        await client.post(f"{path}/note", {"text": f"Called back: {text}"})
        return await self._close(client, card, path, "called back")

    async def _label(self, client: Client, card: dict[str, Any], path: str) -> list[dict[str, str]]:
        """A picture of a label, which goes with every mail."""
        if card["conversation"]["channel"] != "email":
            return []
        kept = await client.post(f"{path}/files", PICTURE, content_type="image/png")
        return [{"media_id": kept["media_id"], "name": "return-label.png"}] if kept else []

    async def _close(self, client: Client, card: dict[str, Any], path: str, disposition: str) -> bool:
        is_closed = bool(await client.post(f"{path}/close", {"disposition": disposition}))
        self._scene.closed += is_closed
        if is_closed:
            self._cards.pop(card["id"], None)  # the socket will say so too
        return True

    async def _think(self, share: float) -> None:
        """People take a while: this is the demo's pace, nothing waits for it."""
        await asyncio.sleep(self._agent.seconds_per_answer * share * self._pace * self._random.uniform(0.5, 1.5))
