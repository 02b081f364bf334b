"""What a colleague forwards: whose mail it was, by the mail that is attached or by the headers copied into the text."""

import re
from collections.abc import Collection

from msgspec.structs import replace

from channels.edge.text import one_line
from channels.mail.arriving.senders import Sender, takes_mail
from channels.mail.automatic import is_daemon
from channels.mail.bodies import decoded_bytes
from channels.mail.headers import addresses_in
from channels.mail.quoting import marks
from channels.mail.quoting.lines import is_attribution
from channels.mail.structure import Structure, take_apart
from domain.threads.subjects import is_forward, is_reply

LINES_READ_MAX = 2_000
HEADER_LINES_READ_MAX = 20
"""Below the line with which a forwarded mail begins, in which its sender is named."""
_COLON = re.compile("[:：]")  # noqa: RUF001 - Chinese and Japanese have one of their own


def written_by(
    found: Sender, structure: Structure, text: str, own_addresses: Collection[str], forwarders: Collection[str]
) -> Sender:
    """The sender of the mail that was forwarded, where one of the forwarders did so; else who was found.

    To be asked only of a mail that is proven to be from where it says. The outermost forwarded mail counts, whose
    headers the colleague's own program wrote. Who is one of us, or takes no mail, is not taken for the customer.
    Addresses of ours and of forwarders are in lower case.

    Example: `From: kim@shop.example`, `Subject: Fwd: Parcel`, and `From: Ana <ana@example.org>` in the text → Ana
    """
    if found.claimed or found.address.lower() not in forwarders:
        return found
    subject = structure.headers.text("subject")
    if is_reply(subject):
        return found
    lines = text.split("\n", LINES_READ_MAX)[:LINES_READ_MAX]
    name, address = _attached(structure) or _copied(lines, is_told=is_forward(subject))
    name, address = one_line(name), one_line(address)
    is_ours = address.lower() in {*own_addresses, *forwarders}
    if not address or is_ours or not takes_mail(address) or is_daemon(author=name, sender=address):
        return found
    return replace(found, name=name, address=address, reply_to="", claimed=found.address, is_forwarded=True)


def _attached(structure: Structure) -> tuple[str, str] | None:
    mails = [part for part in structure.parts if part.content_type == "message/rfc822"]
    if len(mails) != 1:
        return None  # of several, none is the one
    senders = addresses_in(take_apart(decoded_bytes(mails[0])).headers.all("from"))
    return next(((name, address) for name, address in senders if address), None)


def _copied(lines: list[str], *, is_told: bool) -> tuple[str, str]:
    """By the first copied headers: below a line that says so or, where the subject does, wherever they begin; or by the
    line in which a program says who wrote what it quotes.
    """
    for place, line in enumerate(lines):
        if is_told and is_attribution(line.strip()):
            return "", next((address for _, address in addresses_in([line.encode("utf-8", "replace")])), "")
        below = lines[place : place + HEADER_LINES_READ_MAX]
        if marks.FORWARD_BEGINS.match(line) or marks.SEPARATOR.match(line.rstrip()) or (is_told and _is_block(below)):
            return _sender_in(below)
    return "", ""


def _header(line: str) -> str:
    """Which header is copied in this line, if one is: `from`, `date`…"""
    found = marks.HEADER.match(line)
    return found.lastgroup or "" if found else ""


def _is_block(lines: list[str]) -> bool:
    names: list[str] = []
    for line in lines:
        if not line.strip("> \t"):
            break
        names.append(_header(line))
    return bool(names and names[0]) and "from" in names and len({*names} - {""}) >= marks.HEADER_LINES_MIN


def _sender_in(lines: list[str]) -> tuple[str, str]:
    """Who the first `From` names; some programs break its line before the address."""
    place = next((place for place, line in enumerate(lines) if _header(line) == "from"), None)
    if place is None:
        return "", ""
    value, below = _COLON.split(lines[place], maxsplit=1)[1], lines[place + 1 : place + 2]
    for said in (value, " ".join([value, *(line.strip("> ") for line in below if not _header(line))])):
        named = addresses_in([said.strip("*_ ").encode("utf-8", "replace")], "utf-8")
        if named and named[0][1]:
            return named[0]
    return "", ""
