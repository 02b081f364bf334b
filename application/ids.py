"""Ids: a kind, a dash and 32 hex digits, as in `customer-0193a7c2…`. They carry no personal data."""

import os
import time


def new_id(kind: str) -> str:
    """An id nobody had before. It begins with the time, so that neighbours in time are neighbours in an index."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{kind}-{milliseconds:012x}{os.urandom(10).hex()}"


def derived_id(kind: str, digest: bytes) -> str:
    """The id that belongs to a claim key of 16 bytes: a repeated command names the same new thing again."""
    return f"{kind}-{digest.hex()}"
