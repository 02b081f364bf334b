"""Links: addresses at which providers fetch a file from us that they take in no other way, signed and for a while."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta

from api.settings import Settings

LIFE = timedelta(days=365)
"""LINE's clients fetch a picture when it is looked at, not when it is sent. Who is erased takes their links along."""
MAC_CHARACTERS = 32


class Links:
    """Makes links and reads them. Whoever has one gets that file of that customer, and nothing else."""

    def __init__(self, public_url: str, key: bytes, clock: Callable[[], datetime]) -> None:
        self._public_url = public_url.rstrip("/")
        self._key = key
        self._clock = clock

    def to(self, customer_id: str, digest: str, since: datetime) -> str:
        """The same for the same reply, since when it counts.

        Example: `https://cc.shop.example/v1/files/customer-0193…/9f86d081…/1826409600-5f2e…`
        """
        expires = str(int((since + LIFE).timestamp()))
        ticket = f"{expires}-{self._mac(customer_id, digest, expires)}"
        return f"{self._public_url}/v1/files/{customer_id}/{digest}/{ticket}"

    def is_good(self, customer_id: str, digest: str, ticket: str) -> bool:
        """Whether we made it, and it has not expired."""
        expires, _, mac = ticket.partition("-")
        wanted = self._mac(customer_id, digest, expires)
        is_ours = hmac.compare_digest(wanted.encode(), mac.encode("utf-8", "replace"))
        return is_ours and self._clock().timestamp() < int(expires)

    def _mac(self, customer_id: str, digest: str, expires: str) -> str:
        said = f"file {customer_id} {digest} {expires}".encode("utf-8", "replace")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()[:MAC_CHARACTERS]


def has_links(settings: Settings) -> bool:
    """Whether providers can reach us: they fetch by https alone."""
    return settings.public_url.startswith("https://")
