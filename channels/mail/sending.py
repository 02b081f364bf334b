"""Mail on its way out: built so that the answer finds its conversation, and handed over with a clear outcome."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from html import escape

import aiosmtplib
import msgspec

from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from channels.edge.text import one_line, without_controls
from channels.mail.arriving.mailboxes import bounce_address
from channels.mail.threads import own_message_id, reply_address
from domain.account import AccountInvalid

REFERENCES_KEPT_LAST = 9
"""Of a long chain the first id and these are kept; nobody needs those between (RFC 5322, section 3.6.4)."""
POLICY = SMTP_POLICY.clone(cte_type="7bit")
"""Whatever the text, only ASCII goes over the wire: not every mail server on the way takes 8BITMIME (RFC 6152)."""
PORTS = {"tls": 465, "starttls": 587, "plain": 25}


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server that takes an account's mail."""

    host: str
    port: int
    security: str = "starttls"
    """`tls` (from the first byte), `starttls`, or `plain` for a server on the same machine."""
    username: str = ""
    passwords: tuple[str, ...] = ()
    """`smtp_password`, and `smtp_password_previous` while it is changed."""
    timeout_seconds: float = 30.0
    """For each step: connecting, each command, and the answer after the mail itself."""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Server":
        """From `smtp_host`, `smtp_port`, `smtp_security`, `smtp_username`, `smtp_password`,
        `smtp_password_previous`, `smtp_timeout_seconds`.

        Raises AccountInvalid.
        """
        security = given.get("smtp_security", "starttls")
        if security not in PORTS:
            raise AccountInvalid(f"settings.smtp_security: {security!r} is none of {', '.join(PORTS)}")
        try:
            port = int(given.get("smtp_port", PORTS[security]))
            timeout_seconds = float(given.get("smtp_timeout_seconds", 30))
        except ValueError as error:
            raise AccountInvalid(f"settings.smtp_port, settings.smtp_timeout_seconds: {error}") from None
        if not (0 < port < 65_536 and 0 < timeout_seconds <= 600):
            raise AccountInvalid("settings: smtp_port is from 1 to 65535, smtp_timeout_seconds above 0 and up to 600")
        return cls(
            host=given["smtp_host"],
            port=port,
            security=security,
            username=given.get("smtp_username", ""),
            passwords=tuple(
                one for name in ("smtp_password", "smtp_password_previous") if (one := given.get(name, ""))
            ),
            timeout_seconds=timeout_seconds,
        )


def built_reply(reply: Outgoing, *, address: str, name: str, key: bytes) -> EmailMessage:
    """The reply as mail: our Message-ID, a Reply-To with a token, the thread's ids, and the text twice, plain and HTML;
    then its files, as attachments in base64 (RFC 2183).

    Raises ValueError for an address that no mail can go to.
    """
    local, _, domain = address.rpartition("@")
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(one_line(name), local, domain)
    to_local, _, to_domain = reply.handle.rpartition("@")
    if not (to_local and to_domain) or one_line(reply.handle) != reply.handle:
        raise ValueError(f"{reply.handle!r} is not a mail address")
    mail["To"] = Address("", to_local, to_domain)
    mail["Reply-To"] = Address(one_line(name), *reply_address(reply.conversation_id, domain=domain, key=key).split("@"))
    subject = one_line(reply.subject)
    mail["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}".strip()
    mail["Date"] = format_datetime(reply.written_at)
    mail["Message-ID"] = own_message_id(reply.conversation_id, reply.message_id, domain=domain, key=key)
    if _is_message_id(reply.in_reply_to):
        mail["In-Reply-To"] = reply.in_reply_to
    if chain := references_after(reply.references, reply.in_reply_to):
        mail["References"] = " ".join(chain)
    if reply.is_automatic:
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
    text = without_controls(reply.text).replace("\r\n", "\n").replace("\r", "\n")
    mail.set_content(text)
    mail.add_alternative(as_html(text), subtype="html")
    for file in reply.files:
        main, _, sub = file.content_type.partition("/")
        if main == "message":  # which must not be in base64 (RFC 2046, section 5.2.1)
            main, sub = "application", "octet-stream"
        charset = {"charset": "utf-8"} if main == "text" else {}
        mail.add_attachment(file.body, maintype=main, subtype=sub, filename=one_line(file.name), params=charset)
    return mail


def as_html(text: str) -> str:
    r"""A plain text for programs that show HTML: paragraphs, line ends, spaces that count; nothing of it is markup.

    Example: `"1 < 2\n\nBye"` → `<html><body><p dir="auto">1 &lt; 2</p>…`
    """
    escaped = escape(text.strip("\n"), quote=False).replace("  ", "\u00a0 ")
    paragraphs = [one.replace("\n", "<br>\n") for one in re.split(r"\n{2,}", escaped)]
    return "<html><body>\n" + "".join(f'<p dir="auto">{one}</p>\n' for one in paragraphs) + "</body></html>\n"


def envelope_sender(reply: Outgoing, *, address: str, bounce_domain: str, key: bytes) -> str:
    """Where bounces go: to nobody for what no person wrote (RFC 3834, section 3.3), else to an address that says which
    message it was, if the account has a mailbox for bounces, else to the mailbox itself.
    """
    if reply.is_automatic:
        return ""
    return bounce_address(reply.message_id, domain=bounce_domain, key=key) if bounce_domain else address


def read_bounce_domain(given: Mapping[str, str]) -> str:
    """The domain of `bounce_address`, which is `bounce@` at a domain whose mail comes in here; nothing without it.

    Raises AccountInvalid.
    """
    local, _, domain = given.get("bounce_address", "").rpartition("@")
    if (local or domain) and not (local == "bounce" and domain):
        raise AccountInvalid("settings.bounce_address: bounce@ and a domain, as in bounce@shop.example")
    return domain


def references_after(references: tuple[str, ...], answered: str) -> list[str]:
    """The chain with the answered id at its end, each id once, the middle of a long one left out."""
    chain = [one for one in dict.fromkeys(references) if one != answered and _is_message_id(one)]
    chain += [answered] if _is_message_id(answered) else []
    return chain if len(chain) <= REFERENCES_KEPT_LAST + 1 else [chain[0], *chain[-REFERENCES_KEPT_LAST:]]


def _is_message_id(text: str) -> bool:
    is_bracketed = text.startswith("<") and text.endswith(">") and len(text) > 2
    return is_bracketed and text.isascii() and text.isprintable() and " " not in text


async def send_mail(mail: EmailMessage, server: Server, *, sender: str) -> Outcome:
    """One attempt; `sender` is the envelope's.

    What goes wrong before the mail itself is handed over is a rejection; after that it is unknown.
    """
    client = _client(server)
    try:
        if (rejected := await _introduced(client, mail, server, sender)) is not None:
            return rejected
        return await _handed_over(client, mail)
    finally:
        client.close()  # QUIT would only wait: the outcome stands


async def why_not_let_in(server: Server) -> str:
    """Connects and signs in, and sends nothing: what goes wrong, or nothing."""
    client = _client(server)
    try:
        await client.connect()
        if server.username:
            await _sign_in(client, server)
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        return str(error) or type(error).__name__
    finally:
        client.close()
    return ""


def _client(server: Server) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        timeout=server.timeout_seconds,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
    )


async def _introduced(client: aiosmtplib.SMTP, mail: EmailMessage, server: Server, sender: str) -> Rejected | None:
    """Connects, signs in, names sender and recipient. None: the server waits for the mail."""
    try:
        await client.connect()
        if server.username:
            await _sign_in(client, server)
        await client.mail(sender)
        # One recipient a mail, so its own code is the outcome; the library calls 4xx and 5xx the same name.
        await client.rcpt(str(mail["To"].addresses[0].addr_spec))
    except aiosmtplib.SMTPAuthenticationError as error:
        reason = f"the mail server does not let us in: {error.code} {error.message}"
        refusal = Refusal.RETRY_LATER if error.code < 500 else Refusal.OUR_FAULT
        return Rejected(reason=reason, refusal=refusal, concerns_account=True)
    except aiosmtplib.SMTPResponseException as error:
        return _refused(error)
    except UnicodeEncodeError:
        return Rejected(reason="the mail server takes only ASCII addresses", refusal=Refusal.RECIPIENT_GONE)
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        reason = f"the mail server cannot be reached: {error}"
        return Rejected(reason=reason, refusal=Refusal.RETRY_LATER, concerns_account=True)
    return None


async def _sign_in(client: aiosmtplib.SMTP, server: Server) -> None:
    """With the first password that is let in. Raises SMTPAuthenticationError."""
    *earlier, last = server.passwords or ("",)
    for password in earlier:
        try:
            await client.login(server.username, password)
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code < 500:
                raise
        else:
            return
    await client.login(server.username, last)


async def _handed_over(client: aiosmtplib.SMTP, mail: EmailMessage) -> Outcome:
    try:
        answer = await client.data(await asyncio.to_thread(mail.as_bytes))  # half a second for the largest
    except aiosmtplib.SMTPResponseException as error:
        return _refused(error)
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        return Unknown(reason=f"the mail server broke off while it took the mail: {error}")
    return Accepted(provider_id=str(mail["Message-ID"]), answer=f"{answer.code} {answer.message}")


def _refused(error: aiosmtplib.SMTPResponseException) -> Rejected:
    """4xx: for now; 5xx: for ever (RFC 5321, section 4.2.1), then 5.1.x and 550 to 553 blame the address (RFC 3463)."""
    reason = f"{error.code} {error.message}"
    if error.code < 500:
        return Rejected(reason=reason, refusal=Refusal.RETRY_LATER)
    blames_address = error.message.startswith("5.1.") or error.code in {550, 551, 553}
    return Rejected(reason=reason, refusal=Refusal.RECIPIENT_GONE if blames_address else Refusal.OUR_FAULT)
