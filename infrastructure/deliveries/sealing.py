"""A delivery's content under a key of its own: what is removed with the row is gone for ever."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infrastructure.log.keys import KEY_BYTES, NONCE_BYTES, MasterKeys, UnknownMasterKey, WrongMasterKey


def seal(masters: MasterKeys, delivery_id: str, place: bytes, content: bytes) -> tuple[bytes, bytes]:
    """The wrapped key and the sealed content: AES-256-GCM, bound to the delivery, its channel and its accounts."""
    secret, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
    return masters.wrap(delivery_id, secret, 1), nonce + AESGCM(secret).encrypt(nonce, content, place)


def unseal(masters: MasterKeys, delivery_id: str, place: bytes, wrapped_key: bytes, sealed: bytes) -> bytes | None:
    """None for what was altered or moved here, and where its master key is not at hand."""
    try:
        secret, _ = masters.unwrap(delivery_id, wrapped_key)
        return AESGCM(secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
    except (UnknownMasterKey, WrongMasterKey, InvalidTag, ValueError):
        return None


def place_of(delivery_id: str, channel: str, account_ids: Sequence[str]) -> bytes:
    """What the seal is bound to: `delivery-0193… whatsapp account-0193…`."""
    return " ".join((delivery_id, channel, *account_ids)).encode()
