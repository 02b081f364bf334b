"""Claims: the keys that may be taken once, for ever, as keyed hashes that tell nobody what was claimed."""

import hashlib
from datetime import datetime

import msgspec
from msgspec.structs import replace

from application.log import Claim
from domain.interaction import Content

HASH_BYTES = 16


class ClaimKeys:
    """Makes claim keys and fingerprints with one secret that must never change for a log."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError(f"the claim key has {len(secret)} bytes; it needs at least 32")
        self._keyed = hashlib.blake2b(digest_size=HASH_BYTES, key=secret[:64])

    def digest(self, *parts: str) -> bytes:
        """A keyed hash of 16 bytes over the parts. Only the last may hold NUL, so that no two lists look the same."""
        text = "\0".join(parts)
        if text.count("\0") >= len(parts) and any("\0" in part for part in parts[:-1]):
            raise ValueError("a claim's parts, but for the last, hold no NUL")
        return self.fingerprint(text.encode("utf-8", "surrogatepass"))

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed hash of 16 bytes over any content."""
        hasher = self._keyed.copy()
        hasher.update(content)
        return hasher.digest()

    def message(self, account_id: str, kind: str, provider_id: str, content: Content, *, written: str = "") -> Claim:
        """One message of a channel account. The same provider id counts once for each kind of event.

        `written` tells what its sender wrote, where the channel knows better than the content does.
        """
        if written:
            return Claim(self.digest("message", account_id, kind, provider_id), self.fingerprint(written.encode()))
        if content.kept_rule:  # our own reading, which may get better, is not what the sender said
            content = replace(content, kept=(), kept_rule="")
        return Claim(
            self.digest("message", account_id, kind, provider_id),
            self.fingerprint(msgspec.msgpack.encode(content)),
        )

    def another(self, account_id: str, kind: str, provider_id: str, written: str) -> Claim:
        """A message whose provider id had been taken by another one: by what its sender wrote as well."""
        key = self.digest("another message", account_id, kind, provider_id, written)
        return Claim(key, self.fingerprint(written.encode()))

    def echo(self, account_id: str, kind: str, provider_id: str, content: Content) -> Claim:
        """One message that the shop's side wrote elsewhere. As `message`."""
        return self.message(account_id, f"echo {kind}", provider_id, content)

    def sent(self, account_id: str, provider_id: str) -> Claim:
        """What the provider called something we sent: leads to the event that tells so, for what is reported later."""
        return self.once("sent", account_id, provider_id)

    def call(self, account_id: str, call_id: str, customer_id: str) -> Claim:
        """With whom a call began, so that all that is told of it later goes there. The fingerprint as of `identity`."""
        return Claim(self.digest("once", "call began", account_id, call_id), id_bytes(customer_id))

    def media(self, customer_id: str, digest: str) -> Claim:
        """A file that came to light with a customer: leads to the event that tells so, for whoever may download it."""
        return self.once("media of", customer_id, digest)

    def media_in(self, conversation_id: str, digest: str) -> Claim:
        """A file that went out in a conversation: leads to the first reply that carried it there."""
        return self.once("media in", conversation_id, digest)

    def contradiction(self, claim: Claim) -> Claim:
        """The same message id with this other content: recorded once for each different content."""
        return Claim(self.fingerprint(claim.key + claim.fingerprint), claim.fingerprint)

    def identity_key(self, channel: str, account_id: str, handle: str) -> bytes:
        """The key of an address, whoever's it is."""
        return self.digest("identity", channel, account_id, handle)

    def identity(self, channel: str, account_id: str, handle: str, customer_id: str) -> Claim:
        """One address of one customer. The fingerprint is the customer's own id, so the claim tells whose it is."""
        return Claim(self.identity_key(channel, account_id, handle), id_bytes(customer_id))

    def command(self, actor: str, key: str, content: bytes) -> Claim:
        """One command of one actor, by the key that the caller chose for it."""
        return Claim(self.digest("command", actor, key), self.fingerprint(content))

    def set_up_behind(self, position: int) -> Claim:
        """What is set up next after what was at this position: there is one such."""
        return self.once("set up behind", str(position))

    def once(self, *parts: str, at: datetime | None = None) -> Claim:
        """Anything else that may happen once: a login name, a ticket, an attempt to send."""
        return Claim(self.digest("once", *parts), self.fingerprint(str(at or "").encode()))


def id_bytes(identifier: str) -> bytes:
    """The 16 bytes of an id: `customer-0193…` → its hex part."""
    return bytes.fromhex(identifier.partition("-")[2])
