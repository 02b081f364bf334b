"""Hooks of mail providers: verify, complete, parse. All bring raw mail, so that it is read like any other.

| provider | proof | what is posted | settings: `hook_` |
| --- | --- | --- | --- |
| Mailgun | HMAC of timestamp and token | form with `body-mime`: a route to a URL that ends in `mime` | `key` |
| SendGrid | password in the URL, its signature, or both | form with `email`: "send raw" | `key`, `public_key` |
| Postmark | password in the URL | JSON with `RawEmail`: "include raw email content" | `key` |
| Amazon SES | password in the URL, topic, SNS signature | SNS notification with the content | `key`, `topic` |
| Resend | Svix signature | names the mail, which is fetched | `key`, `api_key` |
| generic | password in the URL | `message/rfc822`, `?recipient=` | `key` |
"""

from email.utils import getaddresses

from application.exchange.media import Get
from channels.edge.payload import (
    Delivery,
    Posted,
    RawMail,
    SignatureWrong,
    UnreadablePayload,
    a_dict,
    a_text,
    read_json,
)
from channels.mail.arriving.fetched import IGNORED_HEADER, RECIPIENTS_HEADER, demand_topic, resend_mail, ses_mail
from channels.mail.arriving.forms import form_of
from channels.mail.arriving.mailboxes import Fit, fit_of, without_plus_part
from channels.mail.arriving.proofs import demand_mailgun, demand_password, demand_sendgrid, demand_svix
from channels.mail.arriving.settings import Hook
from domain.account import AccountDefinition

RECIPIENTS_MAX = 100


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Whether the request proves to come from the account's provider.

    For SES this is only the half that needs no certificate; `complete` does the other. Raises SignatureWrong,
    AccountInvalid.
    """
    hook = _hook(definition)
    match hook.provider:
        case "mailgun":
            demand_mailgun(_form_to_prove(posted), hook.keys, at=posted.received_at)
        case "resend":
            demand_svix(posted, hook.keys)
        case "sendgrid":
            if hook.keys:
                demand_password(posted, hook.keys)
            if hook.public_keys:
                demand_sendgrid(posted, hook.public_keys)
        case "ses":
            demand_password(posted, hook.keys)
            demand_topic(posted, hook.topic)
        case _:
            demand_password(posted, hook.keys)


async def complete(definition: AccountDefinition, posted: Posted, get: Get) -> Posted:
    """The request with all that `parse` needs: what it only names is fetched, what must be asked for is asked.

    Safe to repeat. Belongs behind the acknowledgement, since providers take their time.
    Raises SignatureWrong, UnreadablePayload, MediaRefused.
    """
    hook = _hook(definition)
    match hook.provider:
        case "ses":
            return await ses_mail(hook, posted, get)
        case "resend":
            return await resend_mail(hook, posted, get)
        case _:
            return posted


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """The mail once for each mailbox that the envelope names, under that mailbox's address.

    Raises UnreadablePayload.
    """
    hook = _hook(definition)
    if IGNORED_HEADER in posted.headers:
        return Delivery(ignored=[posted.headers[IGNORED_HEADER]])
    raw, recipients = _mail_of(hook, posted)
    if not raw.strip():
        raise UnreadablePayload("", "there is no raw mail in it; ask the provider for raw MIME")
    mailboxes = _mailboxes(definition, recipients).items()
    return Delivery(mails=[(address, RawMail(raw=raw, recipient=recipient)) for address, recipient in mailboxes])


def _mail_of(hook: Hook, posted: Posted) -> tuple[bytes, list[str]]:
    """The raw mail and the envelope's recipients. Raises UnreadablePayload."""
    match hook.provider:
        case "mailgun":
            form = form_of(posted)
            return form.get("body-mime", b""), _addresses(form.get("recipient", b"").decode("utf-8", "replace"))
        case "sendgrid":
            form = form_of(posted)
            envelope = a_dict(read_json(form.get("envelope", b"{}")))
            named = envelope.get("to")
            return form.get("email", b""), [a_text(one) for one in named] if isinstance(named, list) else []
        case "postmark":
            told = a_dict(read_json(posted.raw))
            raw = told.get("RawEmail")
            given = raw.encode("utf-8", "replace") if isinstance(raw, str) else b""
            return given, _addresses(a_text(told.get("OriginalRecipient")))
        case _:
            if not posted.headers.get("content-type", "").startswith("message/rfc822"):
                raise UnreadablePayload("", "this is no raw mail; what a hook only names must be fetched first")
            return posted.raw, _addresses(
                posted.query.get("recipient", "") or posted.headers.get(RECIPIENTS_HEADER, "")
            )


def _mailboxes(definition: AccountDefinition, recipients: list[str]) -> dict[str, str]:
    """By mailbox address, the recipient that led to it.

    An address of our domain that is no name of this mailbox is another mailbox of ours. One elsewhere, such as that
    which a provider gave us to forward to, says nothing; then the hook's own account it is.
    """
    ours = definition.address.rpartition("@")[2].lower()
    found: dict[str, str] = {}
    for recipient in recipients[:RECIPIENTS_MAX]:
        if fit_of(definition, recipient) is not Fit.NONE:
            found.setdefault(definition.address, recipient)
        elif without_plus_part(recipient).endswith(f"@{ours}"):
            found.setdefault(without_plus_part(recipient), recipient)
    return found or {definition.address: recipients[0] if recipients else ""}


def _addresses(text: str) -> list[str]:
    return [address for _, address in getaddresses([text]) if address]


def _hook(definition: AccountDefinition) -> Hook:
    """Raises SignatureWrong, AccountInvalid."""
    hook = Hook.read(definition.settings)
    if hook is None:
        raise SignatureWrong("settings.hook_provider: no provider may post mail for this account")
    return hook


def _form_to_prove(posted: Posted) -> dict[str, bytes]:
    """Raises SignatureWrong: what is no form holds no signature."""
    try:
        return form_of(posted)
    except UnreadablePayload as error:
        raise SignatureWrong(str(error)) from None
