"""How Meta proves itself, in the same way on WhatsApp, Messenger and Instagram: a signature, and a handshake."""

from collections.abc import Iterable
from hmac import compare_digest

from channels.edge.payload import Acknowledgement, Posted, SignatureWrong, demand_hmac
from domain.account import AccountDefinition, AccountInvalid

SIGNATURE_HEADER = "x-hub-signature-256"


def demand_settings(definition: AccountDefinition, medium: str, address: str) -> None:
    """Raises AccountInvalid with the setting that is missing; `address` says what the account's address is."""
    for name in ("app_secret", "verify_token"):
        if not definition.settings.get(name):
            raise AccountInvalid(f"settings.{name}: {medium} account needs it")
    if not definition.address:
        raise AccountInvalid(f"address: {medium} account needs {address}")


def demand_signature(posted: Posted, app_secrets: Iterable[str]) -> None:
    """Checks `X-Hub-Signature-256: sha256=<64 hex>` over the raw body.

    Meta signs the bytes as sent, with non-ASCII escaped: JSON that was read and written again does not fit.
    Raises SignatureWrong.
    """
    name, _, signature = posted.headers.get(SIGNATURE_HEADER, "").partition("=")
    if name != "sha256" or len(signature) != 64:
        raise SignatureWrong(f"{SIGNATURE_HEADER}: missing, or not sha256= and 64 hexadecimal digits")
    demand_hmac(posted.raw, signature.encode("utf-8", "replace"), (secret.encode() for secret in app_secrets))


def answer_subscription(posted: Posted, verify_token: str) -> Acknowledgement:
    """What to answer Meta's GET with (200, plain text) when it subscribes: the challenge. Raises SignatureWrong.

    Example: `{"hub.mode": "subscribe", "hub.verify_token": "…", "hub.challenge": "1158201444"}` → `"1158201444"`
    """
    given = posted.query.get("hub.verify_token", "").encode("utf-8", "replace")
    if posted.query.get("hub.mode") != "subscribe" or not compare_digest(given, verify_token.encode()):
        raise SignatureWrong("hub.verify_token: it is not the one of this account")
    return Acknowledgement(body=posted.query.get("hub.challenge", "").encode())
