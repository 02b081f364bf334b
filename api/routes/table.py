"""Every operation there is, in the order in which the document shows them."""

from api.doors import mail_door, visitor_files, visitors_door, webhook_door
from api.doors.adapters import adapter_door, batch_door
from api.http.operation import Operation
from api.routes import (
    accounts,
    agents,
    boards,
    calls,
    conversations,
    customers,
    expectations,
    mails,
    markup,
    media,
    overriding,
    people,
    picking,
    plans,
    policy,
    queues,
    replies,
    sessions,
    steering,
    work,
)
from api.upkeep import account_health, decisions, deliveries, health, log

OPERATIONS_BY_TAG: dict[str, tuple[Operation, ...]] = {
    "Sessions": sessions.OPERATIONS,
    "Conversations": (
        *conversations.OPERATIONS,
        *work.OPERATIONS,
        *steering.OPERATIONS,
        *overriding.OPERATIONS,
        *picking.OPERATIONS,
        *replies.OPERATIONS,
        *mails.OPERATIONS,
    ),
    "Customers": (*customers.OPERATIONS, *media.OPERATIONS, *markup.OPERATIONS, *calls.OPERATIONS),
    "Agents": agents.OPERATIONS,
    "Boards": (*boards.OPERATIONS, *expectations.OPERATIONS),
    "Queues": queues.OPERATIONS,
    "Routing policy": (*policy.OPERATIONS, *plans.OPERATIONS),
    "Decisions": decisions.OPERATIONS,
    "Channel accounts": (*accounts.OPERATIONS, *account_health.OPERATIONS),
    "People": people.OPERATIONS,
    "Doors": (
        *adapter_door.OPERATIONS,
        *batch_door.OPERATIONS,
        *mail_door.OPERATIONS,
        *webhook_door.OPERATIONS,
        *visitors_door.OPERATIONS,
        *visitor_files.OPERATIONS,
    ),
    "Deliveries": deliveries.OPERATIONS,
    "Log": log.OPERATIONS,
    "Health": health.OPERATIONS,
}
OPERATIONS: tuple[Operation, ...] = tuple(one for several in OPERATIONS_BY_TAG.values() for one in several)
