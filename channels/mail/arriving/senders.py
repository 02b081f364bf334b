"""Who a mail is from and where answers go. `From` is a claim, and forms write in their own name, or in ours."""

import re
from collections.abc import Collection

import msgspec

from channels.edge.text import one_line
from channels.mail.automatic import is_daemon
from channels.mail.headers import Headers, addresses_in
from channels.mail.trust import Dmarc

_NO_REPLY = re.compile(
    r"(?:^|[-_.+])(?:(?:no|do[-_.]?not|dont|never)[-_.]?(?:reply|respond|answer)|no[-_.]?(?:responder|contestar)|"
    r"nao[-_.]?responda|non[-_.]?rispondere|ne[-_.]?pas[-_.]?repondre|nicht[-_.]?antworten|keine[-_.]?antwort)"
    r"(?:$|[-_.+\d])"
)
"""Local parts, in lower case, of addresses that say that they take no mail."""


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a mail is taken to be from."""

    name: str
    address: str
    """As it was written; `mailer-daemon` for the null sender, empty for nobody."""
    reply_to: str = ""
    """Where answers go, if not to `address`."""
    claimed: str = ""
    """The address in `From`, where the mail is taken to be from another one."""
    is_forwarded: bool = False
    """That is a colleague's, who sent on what `address` had written to them."""


def sender_of(headers: Headers, hint: str, own_addresses: Collection[str], dmarc: Dmarc) -> Sender:
    """The sender, by `From`; where that is missing, doubled or empty, others speak for it.

    Where `Reply-To` names exactly one usable address other than that, answers go there (RFC 5322, section 3.6.2), and
    the mail is that address's: a form's mail is of whoever filled it in. Only where both are of one domain, `From` is
    proven (DMARC) and takes mail, it is still `From`'s: else anybody could have another's answers sent to them.
    Usable is what takes mail and is not at a domain of ours. What a list or a mail server writes says nothing by it.
    `own_addresses` are in lower case.

    Example: `From: noreply@forms.example`, `Reply-To: carla@example.org` → carla@example.org
    """
    people = addresses_in(headers.all("from"), hint)
    others = addresses_in([*headers.all("sender"), *headers.all("reply-to"), *headers.all("return-path")], hint)
    address = next((address for _, address in (*people, *others) if address), "")
    name = next((name for name, one in people if one == address), people[0][0] if people else "")
    if not address and any(value.strip() == b"<>" for value in headers.all("return-path")):
        address = "mailer-daemon"  # the null sender of RFC 5321, section 4.5.5
    name, address = one_line(name), one_line(address)
    wanted = _wanted(headers, hint, address, own_addresses)
    if wanted is None or is_daemon(author=name, sender=address):
        return Sender(name=name, address=address)
    is_one_domain = _domain(wanted[1]) == _domain(address)
    if is_one_domain and dmarc is Dmarc.PASS and takes_mail(address) and address.lower() not in own_addresses:
        return Sender(name=name, address=address, reply_to=wanted[1])
    return Sender(name=wanted[0], address=wanted[1], claimed=address)


def takes_mail(address: str) -> bool:
    """Whether it does not say that it takes none, as in `no-reply@example.org`."""
    return _NO_REPLY.search(address.lower().rpartition("@")[0]) is None


def _wanted(headers: Headers, hint: str, address: str, own_addresses: Collection[str]) -> tuple[str, str] | None:
    """Name and address that `Reply-To` asks to answer, if it is one. Our own mail names us there."""
    if headers.raw("list-id") or headers.raw("list-post") or headers.word("precedence") == "list":
        return None
    own_domains = {_domain(one) for one in own_addresses}
    usable = {
        one.lower(): (one_line(name), one_line(one))
        for name, one in addresses_in(headers.all("reply-to"), hint)
        if one and one.lower() != address.lower() and _domain(one) not in own_domains and takes_mail(one)
    }
    return next(iter(usable.values())) if len(usable) == 1 else None


def _domain(address: str) -> str:
    return address.lower().rpartition("@")[2]
