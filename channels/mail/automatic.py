"""Mail that machines write: bounces, vacation replies, lists, our own. It is shown, but no machine answers it."""

import re
from collections.abc import Collection

from channels.mail.headers import Headers

_DAEMON = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|no-?reply-bounce)@?", re.IGNORECASE)
_SUPPRESSED = re.compile(r"\b(?:all|oof|autoreply)\b", re.IGNORECASE)
_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply"})
_MARKS = ("x-autoreply", "x-autorespond", "x-auto-reply-from", "x-loop", "feedback-id")
_LIST_HEADERS = ("list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe")


def why_automatic(
    headers: Headers, *, content_type: str, sender: str, own_addresses: Collection[str]
) -> tuple[str, ...]:
    """Each reason not to answer this mail by machine; empty for a person's (RFC 3834 and practice).

    `own_addresses` are our mailboxes in lower case. "Do not answer" is not "do not show": customers write through
    lists too.

    Example: `("auto-submitted: auto-replied", "null sender", "bounce")`
    """
    reasons: list[str] = []
    if (submitted := headers.word("auto-submitted")) not in {"", "no"}:
        reasons.append(f"auto-submitted: {submitted}")
    if _SUPPRESSED.search(headers.text("x-auto-response-suppress")):
        reasons.append("x-auto-response-suppress")
    if (precedence := headers.word("precedence")) in _PRECEDENCE:
        reasons.append(f"precedence: {precedence}")
    reasons += [name for name in _MARKS if headers.raw(name)]
    if any(headers.raw(name) for name in _LIST_HEADERS):
        reasons.append("list")
    has_null_sender = any(value.strip() == b"<>" for value in headers.all("return-path"))
    if has_null_sender:
        reasons.append("null sender")
    if is_daemon := _DAEMON.match(sender) is not None:
        reasons.append("daemon")
    if content_type == "multipart/report" and (has_null_sender or is_daemon or _reports_delivery(headers)):
        reasons.append("bounce")
    if sender.lower() in own_addresses:
        reasons.append("from ourselves")
    return tuple(reasons)


def _reports_delivery(headers: Headers) -> bool:
    return b"delivery-status" in headers.raw("content-type").lower()
