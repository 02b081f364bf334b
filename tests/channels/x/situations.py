"""An X account, and deliveries in both envelopes."""

import json
from typing import Any

from domain.account import AccountDefinition
from tests.channels.posted import an_account

OURS, OTHER_OURS, JO = "4337869213", "5555555555", "3001969357"
USERS = {JO: {"id": JO, "name": "Jo Brinks", "screen_name": "furiouscamper"}}


def an_x_account(user_id: str = OURS, **settings: str) -> AccountDefinition:
    given = {"consumer_secret": "new", "consumer_secret_previous": "old"}
    return an_account("x", user_id, **(given | settings))


def a_message(
    text: str = "Hello 😀", *, sender: str = JO, to: str = OURS, number: str = "954491830116155396", **data: Any
) -> Any:
    created = {"target": {"recipient_id": to}, "sender_id": sender, "message_data": {"text": text, **data}}
    return {"type": "message_create", "id": number, "created_timestamp": "1516403560557", "message_create": created}


def a_reading(last: str = "954491830116155396", *, reader: str = JO) -> dict[str, Any]:
    target = {"recipient_id": OURS}
    return {
        "created_timestamp": "1518452444662",
        "sender_id": reader,
        "target": target,
        "last_read_event_id": last,
    }


def account_activity(*messages: Any, user: str = OURS, **lists: Any) -> bytes:
    """The envelope that X gives up."""
    return json.dumps({"for_user_id": user, "direct_message_events": messages, "users": USERS} | lists).encode()


def x_activity(
    kind: str, *messages: Any, user: str = OURS, uuid: Any = "-4611686018427387905", **payload: Any
) -> bytes:
    """The one that takes its place."""
    lists = {"direct_message_events": messages, "users": USERS} if messages else {}
    event = {"event_uuid": uuid, "event_type": kind, "filter": {"user_id": user}, "payload": lists | payload}
    return json.dumps({"data": event}).encode()
