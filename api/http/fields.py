"""The types of fields that requests are made of: each with its limits, which the OpenAPI document shows."""

import re
from datetime import datetime
from typing import Annotated

from msgspec import Meta

NO_NUL = {"pattern": "^[^\\u0000]*$"}
"""Shown in the document; `bodies.decode` sees to it."""
ID = re.compile(r"[a-z]+-[0-9a-f]{32}")

EXAMPLE_HEX = "0193a7c2d4e57f0aa1b2c3d4e5f60718"


def id_pattern(kind: str) -> str:
    """What an id of that kind looks like: `customer-` and 32 hex digits."""
    return rf"^{kind}-[0-9a-f]{{32}}$"


def _id_meta(kind: str) -> Meta:
    # With the length, so that `$` cannot let a line end through.
    return Meta(
        pattern=id_pattern(kind), max_length=len(kind) + 33, extra_json_schema={"examples": [f"{kind}-{EXAMPLE_HEX}"]}
    )


AccountId = Annotated[str, _id_meta("account")]
AgentId = Annotated[str, _id_meta("agent")]
ConversationId = Annotated[str, _id_meta("conversation")]
CustomerId = Annotated[str, _id_meta("customer")]
QueueId = Annotated[str, _id_meta("queue")]

Name = Annotated[str, Meta(min_length=1, max_length=200, extra_json_schema=NO_NUL)]
"""What somebody or something is called."""
OptionalName = Annotated[str, Meta(max_length=200, extra_json_schema=NO_NUL)]
Word = Annotated[str, Meta(min_length=1, max_length=64, extra_json_schema=NO_NUL)]
"""A tag, a skill, a channel's name."""
Handle = Annotated[str, Meta(min_length=1, max_length=320, extra_json_schema=NO_NUL)]
"""An address on a channel; the longest e-mail address has 320 characters."""
Reason = Annotated[str, Meta(max_length=500, extra_json_schema=NO_NUL)]
SaidReason = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\s\u0000][^\u0000]*$")]
"""A reason that has to be given; it begins with a word."""
Text = Annotated[str, Meta(min_length=1, max_length=65_536, extra_json_schema=NO_NUL)]
"""What somebody says."""
OptionalText = Annotated[str, Meta(max_length=65_536, extra_json_schema=NO_NUL)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)]
"""What a file is called that is kept with us."""
Password = Annotated[str, Meta(min_length=10, max_length=256, extra_json_schema=NO_NUL)]
Moment = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with a zone."""
Priority = Annotated[int, Meta(ge=0, le=10)]
Level = Annotated[int, Meta(ge=1, le=10)]
Units = Annotated[int, Meta(ge=0, le=1_000)]
UnitsTaken = Annotated[int, Meta(ge=1, le=1_000)]
"""Load units that a conversation takes."""
Skills = Annotated[dict[Word, Level], Meta(max_length=200)]
Words = Annotated[tuple[Word, ...], Meta(max_length=200)]
"""Groups, channels or skills."""
PositionNumber = Annotated[int, Meta(ge=0, le=2**53 - 1)]
