"""What a provider posted: whose it is by its signature, and the form in which it is kept until it has been read."""

from collections.abc import Sequence

import msgspec

from channels.edge.payload import Posted, SignatureWrong
from channels.table import Webhook
from domain.account import Account, AccountInvalid

_decoder = msgspec.msgpack.Decoder(Posted)


def packed(posted: Posted) -> bytes:
    """The request as it is kept."""
    return msgspec.msgpack.encode(posted)


def unpacked(content: bytes) -> Posted:
    """The request that was kept."""
    return _decoder.decode(content)


def trusted(posted: Posted, webhook: Webhook, accounts: Sequence[Account]) -> list[Account]:
    """The accounts whose secret fits. Raises SignatureWrong where none does."""
    found: list[Account] = []
    for account in accounts:
        assert account.definition is not None  # accounts without one are left out
        try:
            webhook.verify(account.definition, posted)
        except (SignatureWrong, AccountInvalid):
            continue
        found.append(account)
    if not found:
        raise SignatureWrong("no account here has a secret that fits")
    return found
