"""Mail that machines write: bounces, vacation replies, lists, our own. It is shown, but no machine answers it."""

# ruff: noqa: RUF001 - Turkish has a letter that looks like another

import re
from collections.abc import Collection
from enum import StrEnum

from channels.mail.bounces import Bounce, is_complaint
from channels.mail.headers import Headers
from channels.mail.structure import Structure

_DAEMON = re.compile(
    r"(?:mailer-?daemon|postmaster|mail-?daemon|mdaemon|no-?reply-bounce|microsoftexchange[0-9a-f]{32}|bounces?|"
    r"mail(?:er|system|delivery)|postoffice|double-bounce|smtp-?daemon)(?:\+[^@]*)?(?:@|$)",
    re.IGNORECASE,
)
_DAEMON_NAME = re.compile(
    r"mail delivery (?:sub)?system|mail delivery service|mailer-daemon|postmaster|mail delivery|system administrator|"
    r"mail administrator|mail system|internet mail delivery",
    re.IGNORECASE,
)
_SUPPRESSED = re.compile(r"\b(?:all|oof|autoreply)\b", re.IGNORECASE)
_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply"})
_MARKS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-loop", "feedback-id")
_REPLY_MARKS = frozenset({"x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from"})
_LIST_HEADERS = ("list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe")
_REPLY_SUBJECT = re.compile(
    r"(?:automatic reply|auto(?:matic|mated)?[ -]?(?:reply|response)|out of (?:the )?office|"
    r"automatische antwort|abwesenheit(?:snotiz|snachricht)?|réponse automatique|absence du bureau|"
    r"respuesta automática|fuera de (?:la )?oficina|resposta automática|risposta automatica|fuori (?:sede|"
    r"ufficio)|automatisch antwoord|afwezig|autosvar|automatiskt svar|automatisk svar|"
    r"automaattinen vastaus|automatyczna odpowiedź|автоматический ответ|автоответ|otomatik yanıt|自动回复|"
    r"自動回覆|自動返信|自動応答|자동 회신|자동 응답)\b",
    re.IGNORECASE,
)


class Nature(StrEnum):
    """Who wrote a mail."""

    PERSON = "person"
    LIST = "list"
    """It came through a list, or as one of many; a person may have written it."""
    AUTO_REPLY = "auto_reply"
    """A vacation reply, or another answer that a machine gave."""
    AUTOMATIC = "automatic"
    """A machine wrote it, unasked: a notice, a receipt."""
    COMPLAINT = "complaint"
    """Somebody marked mail of ours as spam."""
    BOUNCE = "bounce"
    """A mail server reports about mail of ours; see `Mail.bounce`."""
    OWN = "own"
    """It is our own mail coming back: a loop."""


def is_from_system(headers: Headers, *, author: str, sender: str) -> bool:
    """Whether a mail server seems to have written it: a daemon's name, or a null sender (RFC 5321, section 4.5.5).

    A vacation reply has a null sender too (RFC 5230, section 5.1), but says that it is one.
    """
    if is_daemon(author=author, sender=sender) or headers.raw("x-failed-recipients"):
        return True
    return has_null_sender(headers) and not _says_it_replies(headers)


def _says_it_replies(headers: Headers) -> bool:
    return (
        headers.word("auto-submitted") == "auto-replied"
        or any(headers.raw(name) for name in _REPLY_MARKS)
        or _REPLY_SUBJECT.match(headers.text("subject").strip()) is not None
    )


def has_null_sender(headers: Headers) -> bool:
    """Whether the last server was told that nobody is to be answered."""
    return any(value.strip() == b"<>" for value in headers.all("return-path"))


def is_daemon(*, author: str, sender: str) -> bool:
    """Whether the address or the display name is one that mail servers write under."""
    return _DAEMON.match(sender) is not None or _DAEMON_NAME.match(author) is not None


def why_automatic(
    structure: Structure, *, author: str, sender: str, own_addresses: Collection[str], bounce: Bounce | None
) -> tuple[str, ...]:
    """Each reason not to answer this mail by machine; empty for a person's (RFC 3834 and practice).

    `own_addresses` are our mailboxes in lower case. "Do not answer" is not "do not show": customers write through
    lists too.

    Example: `("auto-submitted: auto-replied", "null sender", "bounce")`
    """
    headers = structure.headers
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
    if has_null_sender(headers):
        reasons.append("null sender")
    if is_daemon(author=author, sender=sender):
        reasons.append("daemon")
    reasons += _report(structure, bounce)
    if _REPLY_SUBJECT.match(headers.text("subject").strip()):
        reasons.append("subject of an automatic reply")
    if sender.lower() in own_addresses:
        reasons.append("from ourselves")
    return tuple(reasons)


def _report(structure: Structure, bounce: Bounce | None) -> list[str]:
    if bounce is not None:
        return ["bounce"]
    if is_complaint(structure):
        return ["complaint"]
    return ["report"] if structure.content_type == "multipart/report" else []


def nature_of(reasons: Collection[str]) -> Nature:
    """Who wrote it, by the reasons that `why_automatic` gave.

    Example: `("auto-submitted: auto-replied", "null sender")` → `Nature.AUTO_REPLY`
    """
    if "from ourselves" in reasons:
        return Nature.OWN
    for reason, nature in (("bounce", Nature.BOUNCE), ("complaint", Nature.COMPLAINT)):
        if reason in reasons:
            return nature
    replied = {"auto-submitted: auto-replied", "subject of an automatic reply", "precedence: auto_reply", *_REPLY_MARKS}
    if replied & set(reasons):
        return Nature.AUTO_REPLY
    if any(one.startswith("auto-submitted") or one in {"null sender", "daemon", "report"} for one in reasons):
        return Nature.AUTOMATIC
    if any(one.startswith("precedence") or one in {"list", "feedback-id"} for one in reasons):
        return Nature.LIST
    return Nature.PERSON
