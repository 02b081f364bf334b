"""E-mail: account settings, parse, send. Whoever brings raw mail in proves it by an API key, so there is no verify."""

import asyncio
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import mktime_tz, parsedate_tz

import httpx
import msgspec
from msgspec.structs import replace

from application.exchange.sending import Outcome, Outgoing, Refusal, Rejected
from channels.edge.payload import plausible
from channels.edge.text import language_tag, one_line
from channels.mail.arriving.forwards import written_by
from channels.mail.arriving.senders import Sender, sender_of
from channels.mail.arriving.settings import Hook, ImapAccount
from channels.mail.automatic import Nature, is_from_system, nature_of, why_automatic
from channels.mail.bodies import Body, body_of, decoded_bytes, headers_hint
from channels.mail.bounces import Bounce, bounce_in
from channels.mail.headers import Headers, addresses_in
from channels.mail.quotes import Kept, kept_of
from channels.mail.sending import Server, built_reply, envelope_sender, read_bounce_domain, send_mail
from channels.mail.structure import Structure, take_apart
from channels.mail.threads import Placement, Rule, own_id_in, place
from channels.mail.trust import Dmarc, dmarc_of
from domain.account import AccountDefinition, AccountInvalid
from domain.intake import InboundMessage
from domain.interaction import Content

ANSWERS_KEPT = 20
"""Of the ids that a mail names: the nearest, and the first of the thread."""
UNKNOWN_HANDLE = "unknown"
"""Whoever sent a mail that names no sender at all: as of `intake.NOBODYS`, no two of them are the same."""
RECIPIENT_HEADERS = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")
_ON_THE_WAY = """
received return-path delivered-to x-original-to envelope-to x-received authentication-results received-spf
dkim-signature arc-seal arc-message-signature arc-authentication-results x-spam-status x-spam-score x-spam-level
x-spam-flag x-spam-checker-version x-virus-scanned status x-status x-uid
"""
TRACE_HEADERS = frozenset(_ON_THE_WAY.split())
"""Written on the way, so that the same mail has others each time it arrives."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a mailbox needs."""

    address: str
    """`AccountDefinition.address`: the mailbox, as in `support@shop.example`."""
    name: str
    """`AccountDefinition.name`: who our mail says it is from."""
    token_keys: tuple[bytes, ...]
    """`token_key`, and `token_key_previous` while it is rolled: tokens and Message-IDs are made with the first."""
    authserv_id: str
    """How our own mail server calls itself in `Authentication-Results`; without it no mail is known to be genuine."""
    server: Server | None
    """`smtp_host` and its fellows; without a host this mailbox only receives."""
    bounce_domain: str = ""
    """Of `bounce_address`: bounces come to `bounce+…` there, which names the message. Empty: to the mailbox."""
    imap: ImapAccount | None = None
    """`imap_host` and its fellows; without a host nobody reads it by IMAP."""
    hook: Hook | None = None
    """`hook_provider` and its fellows; without a provider none may post mail."""
    forwarders: frozenset[str] = frozenset()
    """Colleagues' addresses, comma-separated. What one of them sends on, as `authserv_id` proves, is taken to be of
    whoever wrote it first."""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail, read."""

    message: InboundMessage
    """`thread` is the Message-ID of the thread's first mail as far as this one knows; ids keep their brackets.

    `conversation_id` is set where our own token or Message-ID proves it, and then wins over `thread`.
    """
    rule: Rule
    """What decided where it belongs, as far as the mail itself tells."""
    automatic_because: tuple[str, ...]
    """Why nothing automatic may answer it; empty for a person's mail."""
    nature: Nature
    """Who wrote it, as far as its headers tell."""
    dmarc: Dmarc
    """What our own mail server found about the sender's domain: anything sensitive needs `pass`. It found nothing about
    whom only `Reply-To` names; what it found about the From itself is `message.dmarc`.
    """
    bounce: Bounce | None = None
    """What a mail server reports about mail of ours. `bounce.report` is what to record of it."""
    recipient: str
    """The mailbox it came for: the envelope's recipient if that was given, else the first that the headers name."""
    content_sha256: str
    """Of the raw mail without the headers written on the way: tells mails of the same Message-ID apart."""
    rung: str
    """How sure the charset of the text is; see `mail/charsets.py`."""
    limits: tuple[str, ...]
    """Names of the limits that cut something off."""

    @property
    def conversation_id(self) -> str | None:
        """The conversation that our own token or Message-ID proves, or None."""
        return self.message.conversation_id or None

    @property
    def is_automatic(self) -> bool:
        return bool(self.automatic_because)


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing or wrong."""
    given = definition.settings
    if "@" not in definition.address:
        raise AccountInvalid(f"address: {definition.address!r} is not a mail address")
    if len(given.get("token_key", "")) < 32:
        raise AccountInvalid("settings.token_key: a mailbox needs a secret of at least 32 characters")
    keys = (given["token_key"], given.get("token_key_previous", ""))
    return Settings(
        address=definition.address,
        name=definition.name,
        token_keys=tuple(key.encode() for key in keys if key),
        authserv_id=given.get("authserv_id", ""),
        server=Server.read(given) if given.get("smtp_host") else None,
        bounce_domain=read_bounce_domain(given),
        imap=ImapAccount.read(given),
        hook=Hook.read(given),
        forwarders=_read_forwarders(given),
    )


def _read_forwarders(given: Mapping[str, str]) -> frozenset[str]:
    addresses = frozenset(one.strip().lower() for one in given.get("forwarders", "").split(",") if one.strip())
    if any("@" not in one.strip("@") for one in addresses):
        raise AccountInvalid("settings.forwarders: mail addresses, comma-separated, as in kim@shop.example")
    if addresses and not given.get("authserv_id"):
        raise AccountInvalid("settings.authserv_id: without it nobody knows whether a colleague's mail is theirs")
    return addresses


def parse(
    raw: bytes,
    *,
    received_at: datetime,
    token_keys: Sequence[bytes] = (),
    own_addresses: Collection[str] = (),
    envelope_recipient: str = "",
    authserv_id: str = "",
    forwarders: Collection[str] = (),
) -> Mail:
    r"""Any bytes that a mail server may deliver, as a mail. Never raises.

    `own_addresses` are our mailboxes, to know our own mail when it comes back; `envelope_recipient` is whom the
    transport delivered to, the only trustworthy "which inbox"; `authserv_id` is how our own mail server signs what it
    finds, and `forwarders` are colleagues (the account's settings of these names).

    Example: `b"From: Ana <ana@example.org>\r\nMessage-ID: <1@example.org>\r\nSubject: Hi\r\n\r\nHello"`
    """
    headers = (structure := take_apart(raw)).headers
    hint = headers_hint(structure.parts, [*headers.all("subject"), *headers.all("from")])
    body, own = body_of(structure.parts, hint), {address.lower() for address in own_addresses}
    dmarc = dmarc_of(headers, authserv_id)
    found = sender_of(headers, hint, own, dmarc)
    person = written_by(found, structure, body.text, own, forwarders) if dmarc is Dmarc.PASS else found
    digest = _content_sha256(structure)
    recipients = _recipients(headers, envelope_recipient)
    placement = place(
        headers,
        own_id=own_id_in(headers.raw("message-id")) or f"sha256:{digest}",
        recipients=recipients,
        strangers={one.lower() for one in (*recipients, person.address)},
        keys=token_keys,
    )
    is_system = is_from_system(headers, author=person.name, sender=person.address)
    bounce = bounce_in(structure, body, is_from_system=is_system, recipients=recipients, keys=token_keys)
    reasons = why_automatic(structure, author=person.name, sender=person.address, own_addresses=own, bounce=bounce)
    nature = nature_of(reasons)
    message = _message(headers, body, placement, sender=person, dmarc=dmarc, hint=hint, received_at=received_at)
    return Mail(
        message=replace(message, nature="" if nature is Nature.PERSON else nature.value),
        rule=placement.rule,
        automatic_because=reasons,
        nature=nature,
        bounce=bounce,
        dmarc=Dmarc.NONE if person.claimed else dmarc,
        recipient=recipients[0] if recipients else "",
        content_sha256=digest,
        rung=body.rung,
        limits=(*structure.limits, *body.limits),
    )


def bodies(raw: bytes) -> Iterator[bytes]:
    """The bytes of each part of a mail, texts and files, one by one. Never raises."""
    return map(decoded_bytes, take_apart(raw).parts)


def _message(
    headers: Headers,
    body: Body,
    placement: Placement,
    *,
    sender: Sender,
    dmarc: Dmarc,
    hint: str,
    received_at: datetime,
) -> InboundMessage:
    handle = sender.address.lower()  # no server tells the capitals of a local part apart, and people vary them
    answers = placement.named
    kept = Kept() if sender.is_forwarded else kept_of(body.text, body.html)  # what is sent on is what they said
    subject = one_line(headers.text("subject", hint))
    return InboundMessage(
        provider_id=placement.own_id,
        handle=handle or UNKNOWN_HANDLE,
        other_handles=(sender.address,) if sender.address != handle else (),
        content=Content(
            text=body.text,
            html=body.html,
            attachments=body.attachments,
            about=placement.answers,
            kept=kept.passages,
            kept_rule=kept.rule,
            is_forwarded=sender.is_forwarded,
        ),
        occurred_at=sent_at(headers.raw("date"), received_at=received_at),
        author=sender.name,
        reply_to=sender.reply_to,
        claimed=sender.claimed,
        dmarc="" if dmarc is Dmarc.NONE else dmarc.value,
        thread=placement.thread,
        subject=subject,
        written=_written(headers, body, subject),
        language=language_tag(headers.text("content-language", hint)),
        conversation_id=placement.conversation_id,
        joined_by=placement.rule.value,
        answers=answers if len(answers) <= ANSWERS_KEPT else (*answers[: ANSWERS_KEPT - 1], answers[-1]),
    )


def _recipients(headers: Headers, envelope_recipient: str) -> list[str]:
    named = addresses_in([value for name in RECIPIENT_HEADERS for value in headers.all(name)])
    return [one for one in (envelope_recipient, *(address for _, address in named)) if one]


def sent_at(date: bytes, *, received_at: datetime) -> datetime:
    """The `Date` header as aware UTC; `received_at` where it is missing, unreadable, before 1970 or in the future."""
    try:
        fields = parsedate_tz(date[:200].decode("latin-1"))
        at = datetime.fromtimestamp(mktime_tz(fields), UTC) if fields else received_at
    except (TypeError, ValueError, OverflowError, OSError, IndexError):
        return received_at
    return plausible(at, received_at=received_at)


def _content_sha256(structure: Structure) -> str:
    headers = structure.headers
    digest = hashlib.sha256()
    for name in headers.names():
        if name not in TRACE_HEADERS:
            digest.update(name.encode() + b":" + b"\n".join(headers.all(name)) + b"\n")
    for part in structure.parts:
        digest.update(part.encoded.replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def _written(headers: Headers, body: Body, subject: str) -> str:
    """A hash of what the sender wrote, the same by whatever way the mail came: nothing that is added on the way."""
    claimed = next((address for _, address in addresses_in(headers.all("from"))), "")
    said = (claimed.lower(), subject, headers.raw("date").decode("latin-1"), body.sha256)
    return hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()


async def send(definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
    """Hands a reply to the account's mail server. The same reply sent again has the same Message-ID."""
    del client  # mail does not go by HTTP
    settings = read_settings(definition)
    if settings.server is None:
        reason = "settings.smtp_host: this mailbox has none, so it only receives"
        return Rejected(reason=reason, refusal=Refusal.OUR_FAULT)
    key = settings.token_keys[0]
    try:
        mail = await asyncio.to_thread(built_reply, reply, address=settings.address, name=settings.name, key=key)
    except ValueError as error:
        return Rejected(reason=str(error), refusal=Refusal.RECIPIENT_GONE)
    sender = envelope_sender(reply, address=settings.address, bounce_domain=settings.bounce_domain, key=key)
    return await send_mail(mail, settings.server, sender=sender)
