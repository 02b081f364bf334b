"""Opening the shop: queues, people, accounts and known customers, set up by the same use cases as over HTTP.

Safe to repeat: a second demo on the same data finds everything as it was.
"""

from msgspec import Struct

from api.access.passwords import hash_password
from api.demo.accounts import definition_of
from api.demo.outside import Outside
from api.demo.routing import apply_routing
from api.demo.shop import (
    AGENTS,
    CUSTOMERS,
    PASSWORD,
    QUEUE_OF_CHANNEL,
    QUEUES,
    SUPERVISOR,
    DemoAgent,
    DemoCustomer,
)
from api.parts import Parts
from application.commands import Command
from application.use_cases.know_customers import Identity
from domain.account import AccountDefinition
from domain.person import Role
from domain.queue import QueueDefinition

ACTOR = "demo"


class Shop(Struct, kw_only=True):
    """What the demo needs to know of the open shop."""

    queues: dict[str, str]
    """Id by the queue's short name."""
    accounts: dict[str, str]
    """Id by channel."""
    agents: dict[str, str]
    """Id by login."""
    customers: dict[str, str]
    """Id by name."""
    adapter_key: str
    auditor_key: str
    key_ids: list[str]
    """Of both keys, to be barred at the end."""
    routing: str = ""
    """What became of the routing document."""


async def open_shop(parts: Parts, outside: Outside) -> Shop:
    """The shop, open."""
    queues = {}
    for short, name in QUEUES.items():
        definition = QueueDefinition(name=name)
        _, queues[short] = await parts.set_up.define_queue(_once(parts, "queue", short), None, definition)
    accounts = {channel: await _account(parts, definition_of(channel, queues, outside)) for channel in QUEUE_OF_CHANNEL}
    password_hash = hash_password(PASSWORD)
    agents = {agent.login: await _agent(parts, agent, password_hash) for agent in AGENTS}
    await _person(parts, SUPERVISOR, "Grace Hopper", Role.SUPERVISOR, password_hash, None)
    customers = {one.name: await _customer(parts, one, accounts) for one in CUSTOMERS}
    now = Command(actor=ACTOR, at=parts.clock())
    routing = await apply_routing(parts, now)
    _, adapter, adapter_key = await parts.set_up.issue_key(now, name="demo", role=Role.ADAPTER, account_ids=())
    _, auditor, auditor_key = await parts.set_up.issue_key(now, name="demo", role=Role.AUDITOR, account_ids=())
    return Shop(
        queues=queues,
        accounts=accounts,
        agents=agents,
        customers=customers,
        adapter_key=adapter_key,
        auditor_key=auditor_key,
        key_ids=[adapter, auditor],
        routing=routing,
    )


async def close_shop(parts: Parts, shop: Shop) -> None:
    """Takes the demo's keys away; everything else stays to be looked at."""
    for key_id in shop.key_ids:
        await parts.set_up.bar(Command(actor=ACTOR, at=parts.clock()), key_id)


def _once(parts: Parts, *what: str) -> Command:
    """A command that only its first run carries out."""
    return Command(actor=ACTOR, at=parts.clock(), claim=parts.claim_keys.command(ACTOR, "/".join(what), b""))


async def _account(parts: Parts, definition: AccountDefinition) -> str:
    command = _once(parts, "account", definition.channel)
    _, account_id = await parts.set_up.define_account(command, None, definition)
    # The world outside listens on other ports each time.
    await parts.set_up.define_account(Command(actor=ACTOR, at=parts.clock()), account_id, definition)
    return account_id


async def _agent(parts: Parts, agent: DemoAgent, password_hash: str) -> str:
    command = _once(parts, "agent", agent.login)
    _, agent_id = await parts.staff.register(command, agent.name, agent.skills, capacity=6)
    await _person(parts, agent.login, agent.name, Role.AGENT, password_hash, agent_id)
    return agent_id


async def _person(parts: Parts, login: str, name: str, role: Role, password_hash: str, agent_id: str | None) -> None:
    await parts.set_up.admit(
        _once(parts, "person", login),
        login=login,
        name=name,
        role=role,
        password_hash=password_hash,
        agent_id=agent_id,
    )


async def _customer(parts: Parts, customer: DemoCustomer, accounts: dict[str, str]) -> str:
    """One customer, whatever they write on. Visitors of the web chat stay whoever they say they are."""
    identities = [
        Identity(channel=channel, handle=customer.handle_on(channel), account_id=account_id)
        for channel, account_id in accounts.items()
        if channel != "webchat"
    ]
    command = _once(parts, "customer", customer.phone)
    _, customer_id = await parts.customers.register(command, customer.name, identities)
    # Whoever an earlier demo registered may not have been on all of these channels yet.
    await parts.customers.link(Command(actor=ACTOR, at=parts.clock()), customer_id, customer.name, identities)
    return customer_id
