"""Mail that mail servers send about mail of ours: what failed, for whom, how badly, and which mail it was."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from channels.edge.text import one_line
from channels.mail.bodies import Body, decoded_bytes
from channels.mail.bounce_words import (
    CODE,
    COPY_BELOW,
    DELAYED,
    FAILED,
    FULL_OR_BUSY,
    GIVEN_UP,
    RECIPIENT_LINE,
    STATUS,
    SUBJECT,
)
from channels.mail.headers import Headers, addresses_in
from channels.mail.structure import Structure
from channels.mail.threads import message_id_of_token, message_ids_in, own_message_ids_in
from domain.intake import DeliveryReport
from domain.outbound.delivery import DeliveryStatus

SEARCHED_BYTES_MAX = 200_000
"""Of each part, for our own Message-ID."""
RECIPIENTS_MAX = 100
SIGNS_MIN = 2
"""Of a subject, words, a code and a returned mail: one alone may be a vacation reply's, or a person's."""
SIGNS_MIN_OF_STRANGERS = 4
"""All of them, where the sender has no name that mail servers write under."""
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "text/rfc822"})
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,255}\w")


class Severity(StrEnum):
    """What a server gave up, and what it did not."""

    HARD = "hard"
    """For ever: class 5 of RFC 3463."""
    SOFT = "soft"
    """It gave up for a reason that may pass: class 4."""
    DELAYED = "delayed"
    """It has not given up yet."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the mail for one recipient."""

    recipient: str
    severity: Severity
    status: str = ""
    """As in RFC 3463: `5.1.1`; empty where the server gave none."""
    reason: str = ""


class Bounce(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server's report about a mail that was sent from one of our mailboxes, or that says so.

    Example: `Bounce(failures=(Failure(recipient="bo@example.org", severity="hard", status="5.1.1", reason="550 …"),),
    provider_id="<0193….0193….k5sw…@shop.example>", message_id="message-0193…")`
    """

    failures: tuple[Failure, ...]
    provider_id: str = ""
    """Our own Message-ID of the mail that it is about; empty where none that we made was found."""
    message_id: str = ""
    """Our own message, known by that Message-ID or by the token in the address that the report came to."""
    returned_id: str = ""
    """The Message-ID of the returned mail, whoever made it."""

    @property
    def severity(self) -> Severity:
        """The worst of all recipients."""
        found = {one.severity for one in self.failures}
        return next((one for one in Severity if one in found), Severity.HARD)

    def report(self, occurred_at: datetime) -> DeliveryReport | None:
        """The report that the reply failed, or None: a delay is no failure, and what is not of ours concerns nobody."""
        if self.severity is Severity.DELAYED or not (self.provider_id or self.message_id):
            return None
        worst = next(one for one in self.failures if one.severity is self.severity)
        return DeliveryReport(
            status=DeliveryStatus.FAILED,
            occurred_at=occurred_at,
            provider_id=self.provider_id,
            handle=worst.recipient,
            reason=" ".join(part for part in (worst.status, worst.reason) if part),
            callback=self.message_id,
        )


def bounce_in(
    structure: Structure, body: Body, *, is_from_system: bool, recipients: Iterable[str], keys: Sequence[bytes]
) -> Bounce | None:
    """The bounce that this mail is, or None.

    It is one by the delivery-status part of a report (RFC 3464), or by words where the envelope says that a mail
    server wrote it: `is_from_system` (see `automatic.py`), or one of our bounce addresses among the `recipients`. A
    person who writes about a bounce, or forwards one, has none of these.
    """
    headers = structure.headers
    message_id = message_id_of_token(recipients, keys)
    is_known = is_from_system or bool(message_id)
    failures = _of_status_parts(structure) if is_known or structure.content_type == "multipart/report" else None
    if failures is None:
        has_returned = any(one.content_type in _RETURNED for one in structure.parts)
        if is_known:
            has_returned = has_returned or COPY_BELOW.search(body.text) is not None
            failures = _of_text(headers, body.text, has_returned=has_returned, signs_min=SIGNS_MIN)
        elif has_returned and not headers.raw("in-reply-to"):
            failures = _of_text(headers, body.text, has_returned=True, signs_min=SIGNS_MIN_OF_STRANGERS)
    if not failures:
        return None
    provider_id, own_message_id = _about(structure, keys)
    return Bounce(
        failures=tuple(failures[:RECIPIENTS_MAX]),
        provider_id=provider_id,
        message_id=own_message_id or message_id,
        returned_id=_returned_id(structure),
    )


def is_complaint(structure: Structure) -> bool:
    """Whether somebody pressed "this is spam": an abuse report as of RFC 5965."""
    return any(part.content_type == "message/feedback-report" for part in structure.parts)


def _of_status_parts(structure: Structure) -> list[Failure] | None:
    """What the delivery-status parts say; None where there is none that can be read."""
    found: list[Failure] = []
    is_status = False
    for part in structure.parts:
        if part.content_type in {"message/delivery-status", "message/global-delivery-status"}:
            blocks = re.split(rb"\n[ \t]*\r?\n", decoded_bytes(part).replace(b"\r\n", b"\n"))
            fields = [Headers(block) for block in blocks[: 2 * RECIPIENTS_MAX]]
            is_status = is_status or any(one.raw("action") or one.raw("status") for one in fields)
            found += [one for block in fields if (one := _of_fields(block)) is not None]
    return found if is_status else None


def _of_fields(fields: Headers) -> Failure | None:
    """One recipient's fields (RFC 3464, section 2.3); None for what was delivered, and for the fields of the whole."""
    action = fields.word("action")
    if not (action or fields.raw("status")) or action in {"delivered", "relayed", "expanded"}:
        return None
    diagnostic = fields.text("diagnostic-code")
    reason = one_line(diagnostic.partition(";")[2] or diagnostic, length_max=500)
    status = _status_in(fields.text("status"), reason)
    named = fields.text("final-recipient") or fields.text("original-recipient") or fields.text("x-actual-recipient")
    address = _ADDRESS.search(named)
    severity = Severity.DELAYED if action == "delayed" else _severity(status, reason)
    recipient = address[0] if address else one_line(named.partition(";")[2])
    return Failure(recipient=recipient, severity=severity, status=status, reason=reason)


def _status_in(status: str, reason: str) -> str:
    """The status of RFC 3463; where it says no more than "failed", the reason may say more."""
    found = STATUS.search(status)
    said = STATUS.search(reason)
    if found is not None and not (found[0].endswith(".0.0") and said is not None):
        return found[0]
    if said is not None:
        return said[0]
    code = CODE.search(reason)
    return f"{code[1][0]}.0.0" if code else ""


def _severity(status: str, reason: str) -> Severity:
    if status:
        return Severity.SOFT if status[0] == "4" else Severity.HARD
    return Severity.SOFT if FULL_OR_BUSY.search(reason) else Severity.HARD


def _of_text(headers: Headers, text: str, *, has_returned: bool, signs_min: int) -> list[Failure]:
    """What servers without status parts say: qmail, Exim, old Exchange and many more. Empty where it is no bounce."""
    own = COPY_BELOW.split(text[:20_000], maxsplit=1)[0]
    subject = headers.text("subject")
    failed = [address for _, address in addresses_in(headers.all("x-failed-recipients")) if address]
    has_words = FAILED.search(own) is not None or DELAYED.search(own) is not None
    is_subject = SUBJECT.search(subject) is not None
    has_code = STATUS.search(own) is not None or CODE.search(own) is not None
    if not failed and [has_words, is_subject, has_returned, has_code].count(True) < signs_min:
        return []
    recipients = failed or [match[1] for match in RECIPIENT_LINE.finditer(own)] or _ADDRESS.findall(own)[:1] or [""]
    reason = _reason_in(own)
    status = _status_in("", reason) or _status_in("", own)
    is_delayed = DELAYED.search(f"{subject}\n{own}") is not None and GIVEN_UP.search(own) is None
    severity = Severity.DELAYED if is_delayed else _severity(status, reason or own)
    unique = list(dict.fromkeys(recipients))
    return [Failure(recipient=one, severity=severity, status=status, reason=reason) for one in unique]


def _reason_in(text: str) -> str:
    """The line that gives a code, with the lines of the same paragraph that follow it."""
    found = STATUS.search(text) or CODE.search(text) or FULL_OR_BUSY.search(text) or FAILED.search(text)
    if found is None:
        return ""
    start = text.rfind("\n", 0, found.start()) + 1
    end = text.find("\n\n", found.end())
    return one_line(text[start : end if end >= 0 else len(text)], length_max=500)


def _returned_headers(structure: Structure) -> Iterable[Headers]:
    for part in structure.parts:
        if part.content_type in _RETURNED:
            yield Headers(re.split(rb"\n\r?\n", decoded_bytes(part)[:SEARCHED_BYTES_MAX], maxsplit=1)[0])


def _returned_id(structure: Structure) -> str:
    ids = (one for headers in _returned_headers(structure) for one in message_ids_in(headers.raw("message-id")))
    return next(ids, "")


def _about(structure: Structure, keys: Sequence[bytes]) -> tuple[str, str]:
    """Our own Message-ID and message: of the returned mail, of the report's own references, or anywhere in its text."""
    headers = structure.headers
    places = [returned.raw("message-id") for returned in _returned_headers(structure)]
    places += [headers.raw("in-reply-to"), headers.raw("references"), headers.raw("x-original-message-id")]
    places += [decoded_bytes(part)[:SEARCHED_BYTES_MAX] for part in structure.parts]
    found = (one for place in places for one in own_message_ids_in(place.decode("latin-1"), keys))
    return next(found, ("", ""))
