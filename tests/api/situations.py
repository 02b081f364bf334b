"""Situations that tests of the interface begin in, made through the interface itself."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.person import Role
from tests.api.deployment import Caller, Deployment
from tests.waiting import wait_until

VISITOR_KEY = "a visitor key of more than 32 characters"
PAGE = "https://shop.example"


@dataclass
class Shop:
    """A queue that only its own agents can serve, and an account whose work waits in it."""

    deployment: Deployment
    administrator: Caller
    skill: str
    queue_id: str
    account_id: str
    adapter: Caller

    def bring(
        self, handle: str, text: str = "Where is my parcel?", *, message_id: str = "", **more: str
    ) -> dict[str, Any]:
        """A message that came in through the adapter door."""
        message = {
            "account": self.account_id,
            "message_id": message_id or secrets.token_hex(6),
            "handle": handle,
            "text": text,
            **more,
        }
        return self.adapter.done(f"/v1/accounts/{self.account_id}/messages", message)

    def agent(self, *, is_available: bool = True, capacity: int = 6) -> Caller:
        """An agent who can serve the queue."""
        made = self.administrator.done("/v1/agents", {"name": "Kim", "skills": {self.skill: 5}, "capacity": capacity})
        caller = self.deployment.person(Role.AGENT, agent_id=made["agent_id"])
        caller.done(f"/v1/agents/{caller.agent_id}/sign_in")
        if is_available:
            caller.done(f"/v1/agents/{caller.agent_id}/change_presence", {"presence": "available"})
        return caller


def closed_now() -> dict[str, Any]:
    """Opening hours of one minute a week, and that not before two days from now."""
    weekday = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    return {"time_zone": "UTC", "weekly": {weekday: [["12:00", "12:01"]]}}


@dataclass
class Held:
    """A conversation and its agent."""

    shop: Shop
    agent: Caller
    customer_id: str
    conversation_id: str
    offer_id: str = ""

    @property
    def path(self) -> str:
        return f"/v1/customers/{self.customer_id}/conversations/{self.conversation_id}"

    @property
    def timeline(self) -> str:
        return f"/v1/customers/{self.customer_id}/timeline"


def a_shop(deployment: Deployment, administrator: Caller, channel: str = "adapter", **account: Any) -> Shop:
    skill = f"skill-{secrets.token_hex(4)}"
    queue = administrator.done("/v1/queues", {"name": f"Queue {skill}", "required_skills": {skill: 1}})
    made = administrator.done(
        "/v1/accounts",
        {"channel": channel, "name": f"Account {skill}", "queue_id": queue["queue_id"], **account},
    )
    deployment.known(made["position"])
    adapter = deployment.program(Role.ADAPTER, made["account_id"])
    return Shop(deployment, administrator, skill, queue["queue_id"], made["account_id"], adapter)


def an_offered_conversation(shop: Shop, agent: Caller | None = None, *, handle: str = "", **message: str) -> Held:
    """Offered to the agent by the router, and not answered yet."""
    agent = agent or shop.agent()
    taken = shop.bring(handle or secrets.token_hex(6), **message)
    offers: list[str] = []

    def is_offered() -> bool:
        page = agent.shown("/v1/conversations", params={"customer_id": taken["customer_id"]})
        offers.extend(card["conversation"].get("offer_id") or "" for card in page["items"])
        return any(offers)

    wait_until(is_offered, what="the router offers the conversation")
    offer_id = next(one for one in offers if one)
    return Held(shop, agent, taken["customer_id"], taken["conversation_id"], offer_id)


def a_held_conversation(shop: Shop, agent: Caller | None = None, **message: str) -> Held:
    """Accepted by the agent."""
    held = an_offered_conversation(shop, agent, **message)
    held.agent.done(f"{held.path}/offers/{held.offer_id}/accept")
    return held
