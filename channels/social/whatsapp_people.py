"""Who a WhatsApp message is from, or went to: every address that a delivery gives, the one to match by first.

The order is Meta's: business-scoped user id (`US.1349…`), parent id (`US.ENT.1181…`), phone number. The user id comes
first although customers may be known by their number only: who is known decides, and a number may pass to somebody
else while a user id never does. So whoever came with a number, then with both, then with the id alone is one customer.
"""

from typing import Any

from channels.edge.payload import a_dict, an_identifier
from channels.social.reading import UNKNOWN_HANDLE

PHONE_DIGITS = range(5, 21)
PARENT_MARK = ".ENT."


def sender_handles(message: dict[str, Any], contact: dict[str, Any]) -> tuple[str, ...]:
    """At least one, strongest first. Since 2026 the phone may be missing, or `from` may hold the user id itself.

    Example: `{"from": "972987654321", "from_user_id": "US.1349"}` → `("US.1349", "+972987654321")`
    """
    users = (message.get("from_user_id"), contact.get("user_id"))
    parents = (message.get("from_parent_user_id"), contact.get("parent_user_id"))
    return _strongest_first(*users, *parents, message.get("from"), contact.get("wa_id"))


def changed_handles(message: dict[str, Any], contact: dict[str, Any]) -> tuple[str, ...]:
    """Of a system message that says somebody has another number or id: the new ones, then the ones before.

    Example: `{"from": "972987654321", "system": {"type": "user_changed_number", "wa_id": "972912345678",
    "user_id": "US.2", "previous_user_id": "US.1"}}` → `("US.2", "US.1", "+972912345678", "+972987654321")`
    """
    system = a_dict(message.get("system"))
    new = ("user_id", "parent_user_id", "wa_id", "new_wa_id")
    before = ("previous_user_id", "previous_parent_user_id")
    said = (system.get(name) for name in (*new, *before))
    return _strongest_first(*said, *sender_handles(message, contact))


def updated_handles(update: dict[str, Any]) -> tuple[str, ...]:
    """Of one item of `user_id_update`.

    Example: `{"wa_id": "972987654321", "user_id": {"previous": "US.1", "current": "US.2"}}` →
    `("US.2", "US.1", "+972987654321")`
    """
    users, parents = a_dict(update.get("user_id")), a_dict(update.get("parent_user_id"))
    said = (one.get(name) for one in (users, parents) for name in ("current", "previous"))
    return _strongest_first(*said, update.get("wa_id"))


def recipient_handles(echo: dict[str, Any], contact: dict[str, Any], own_number: str) -> tuple[str, ...]:
    """Whom the shop's own staff wrote to. In echoes of edits and deletions, `to` is seen to hold our own number."""
    said = an_identifier(echo.get("to"))
    phone = said if said and said != own_number else echo.get("from")
    users = (echo.get("to_user_id"), contact.get("user_id"))
    parents = (echo.get("to_parent_user_id"), contact.get("parent_user_id"))
    return _strongest_first(*users, *parents, contact.get("wa_id"), phone)


def _strongest_first(*given: Any) -> tuple[str, ...]:
    """User ids, then parent ids, then phone numbers as `+972987654321`, each once and in the order given."""
    found = [as_handle(one) for one in map(an_identifier, given) if one]
    ranked = sorted(dict.fromkeys(found), key=lambda one: 2 if one.startswith("+") else int(PARENT_MARK in one))
    return tuple(ranked) or (UNKNOWN_HANDLE,)


def as_handle(identifier: str) -> str:
    """Example: `"972987654321"` → `"+972987654321"`; a user id stays as it is."""
    is_phone = identifier.isascii() and identifier.isdigit() and len(identifier) in PHONE_DIGITS
    return f"+{identifier}" if is_phone else identifier
