"""What Twilio posts, be it about an SMS or a call: a form or JSON, and the signature over it."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlsplit

from channels.edge.payload import Posted, SignatureWrong, UnreadablePayload, a_dict, a_text, read_json
from channels.edge.text import clean

SIGNATURE_HEADER = "x-twilio-signature"
FIELDS_MAX = 1_000


def demand_signature(posted: Posted, *, account_sid: str, auth_tokens: Sequence[str]) -> None:
    """Checks `X-Twilio-Signature`: base64 HMAC-SHA1 over the URL that Twilio called and every field of the form.

    For a body in JSON the URL carries `bodySHA256`, and only the URL is signed. Twilio signs with or without the
    port, so both are tried. Raises SignatureWrong.
    """
    given = posted.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")
    fields: list[tuple[str, str]] = []
    if (digest := posted.query.get("bodySHA256")) is not None:
        if not hmac.compare_digest(hashlib.sha256(posted.raw).hexdigest().encode(), digest.lower().encode()):
            raise SignatureWrong("bodySHA256: it is not the hash of the body")
    else:
        fields = _fields(posted.raw)
        if any(name == "AccountSid" and value != account_sid for name, value in fields):
            raise SignatureWrong("AccountSid: it is another account's")
    signed = [(url + _joined(fields)).encode() for url in _urls(posted.url)]
    keys = [token.encode() for token in auth_tokens]
    expected = (base64.b64encode(hmac.digest(key, one, "sha1")) for key in keys for one in signed)
    if not any(hmac.compare_digest(one, given) for one in expected):
        raise SignatureWrong("the signature does not fit the URL and the fields")


def fields_of(posted: Posted) -> dict[str, str]:
    """The fields by name; of one that comes twice, the first. Raises UnreadablePayload.

    Example: `CallSid=CA1&CallStatus=completed&To=%2B49…` → `{"CallSid": "CA1", "CallStatus": "completed", …}`
    """
    if "json" in posted.headers.get("content-type", ""):
        return {name: a_text(value) for name, value in a_dict(read_json(posted.raw)).items()}
    try:
        found = _fields(posted.raw)
    except SignatureWrong as error:
        raise UnreadablePayload("", str(error)) from None
    return {name: clean(value) for name, value in reversed(found)}


def _fields(raw: bytes) -> list[tuple[str, str]]:
    """Raises SignatureWrong for more fields than any provider sends."""
    try:
        text = raw.decode("utf-8", "surrogateescape")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="replace")
    except ValueError as error:
        raise SignatureWrong(f"this is no form: {error}") from None


def _joined(fields: Iterable[tuple[str, str]]) -> str:
    """Names and values, sorted, without separators; a field that comes twice with one value counts once."""
    return "".join(name + value for name, value in sorted(set(fields))).encode("utf-8", "replace").decode()


def _urls(url: str) -> set[str]:
    """As given, without a port, and with the one of its scheme."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.netloc.rpartition(":")[0]
    except ValueError:
        return {url}
    if port is not None:
        return {url, parts._replace(netloc=host).geturl()}
    return {url, parts._replace(netloc=f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}").geturl()}
