"""Whether a mail is from whom it says, as our own mail server found: forged findings are not believed."""

import re
from enum import StrEnum

from channels.mail.headers import Headers

_AUTHSERV = re.compile(r"\s*([^\s;()]+)(?:\s+\d+)?\s*(?:\([^)]*\)\s*)?(?:;|$)")
_RESULT = re.compile(r";\s*dmarc\s*=\s*([a-z]+)", re.IGNORECASE)
_BY = re.compile(r"\bby\s+([\w.-]+)", re.IGNORECASE)
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}", re.IGNORECASE)
_LOCAL = re.compile(
    r"localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|f[cd][0-9a-f]{2}:", re.IGNORECASE
)
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")


class Dmarc(StrEnum):
    """What our server found about the sender's domain (RFC 7489)."""

    PASS = "pass"  # noqa: S105 - the word of the standard
    FAIL = "fail"
    NONE = "none"
    """The domain has no policy, our server said nothing that can be believed, or we do not know its name."""


def dmarc_of(headers: Headers, authserv_id: str) -> Dmarc:
    """The result of our own server, by its name in `Authentication-Results` (RFC 8601, section 2.2).

    Only what stands above the `Received` with which our server took the mail from a stranger can be ours, since each
    server adds on top; of that, the topmost result counts. Anybody may have written what stands below.

    Example: `b"mx.shop.example; dmarc=pass header.from=example.org"` with `"mx.shop.example"` → `Dmarc.PASS`
    """
    if not authserv_id:
        return Dmarc.NONE
    ours: list[str] = []
    for name, value in headers.in_order("authentication-results", "received"):
        text = _COMMENT.sub(" ", value.decode("latin-1")) if name != "received" else value.decode("latin-1")
        if name == "authentication-results":
            named = _AUTHSERV.match(text)
            ours += [text] if named and named[1].strip('"').lower() == authserv_id.lower() else []
        elif not _is_inside(text, authserv_id):
            return _result(ours[0]) if ours and _by(text, authserv_id) else Dmarc.NONE
    return Dmarc.NONE  # nobody took it from a stranger: it did not come through our server


def _result(text: str) -> Dmarc:
    results = {result.lower() for result in _RESULT.findall(text)}
    if results == {"pass"}:
        return Dmarc.PASS
    return Dmarc.FAIL if "fail" in results else Dmarc.NONE


def _by(received: str, authserv_id: str) -> bool:
    found = _BY.search(received)
    return found is not None and _is_ours(found[1], authserv_id)


def _is_inside(received: str, authserv_id: str) -> bool:
    """Whether one server of ours took the mail from another. The name given at `HELO` proves nothing by itself."""
    if not _by(received, authserv_id):
        return False
    hosts = _HOST.findall(_BY.split(received, maxsplit=1)[0])
    return all(_is_ours(host, authserv_id) or _LOCAL.match(host) for host in hosts)


def _is_ours(host: str, authserv_id: str) -> bool:
    host, named = host.lower().rstrip("."), authserv_id.lower()
    domain = named.partition(".")[2]
    return host == named or ("." in domain and host.endswith(f".{domain}"))
