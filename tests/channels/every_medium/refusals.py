"""For every channel with `send`: what its provider answers in each of six troubles, and one attempt at it."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from application.exchange.sending import Outcome, Refusal
from channels.table import CHANNELS
from domain.account import AccountDefinition
from tests.channels.every_medium.accounts import ACCOUNTS
from tests.channels.replies import a_reply, attempted
from tests.channels.scripted_provider import SILENCE, Scripted, Taken, answers, graph_error, server_error, too_many
from tests.channels.test_email_sending import ScriptedServer, sent_to
from tests.channels.test_email_sending import a_reply as a_reply_by_mail

EXPECTED: dict[str, Refusal | None] = {
    "429": Refusal.RETRY_LATER,
    "5xx": Refusal.RETRY_LATER,
    "time-out after accept": None,
    "window closed": Refusal.WINDOW_CLOSED,
    "blocked": Refusal.RECIPIENT_GONE,
    "expired token": Refusal.OUR_FAULT,
}
"""By trouble, the class it is; None: the outcome is unknown."""
SAFE_TO_REPEAT = frozenset({"line"})
"""A retry key makes the same push twice impossible, so silence is tried again there."""
HANDLES = {"whatsapp": "+4930901820", "telegram": "42", "x": "3001969357", "sms": "+4930901820"}
LENDS = answers(200, {"access_token": "token-1", "expires_in": 7_200})
"""Tencent's channels ask for a token first."""


def _graph(window: Scripted, blocked: Scripted) -> dict[str, Sequence[Scripted]]:
    return {"window closed": [window], "blocked": [blocked], "expired token": [graph_error(190, status=401)]}


def _tencent(window: int, blocked: int) -> dict[str, Sequence[Scripted]]:
    def refuses(code: int) -> Sequence[Scripted]:
        return [LENDS, answers(200, {"errcode": code, "errmsg": "refused"})]

    return {
        "429": [LENDS, too_many(7)],
        "5xx": [LENDS, server_error()],
        "time-out after accept": [LENDS, SILENCE],
        "window closed": refuses(window),
        "blocked": refuses(blocked),
        "expired token": [*refuses(40_001), *refuses(40_001)],
    }


def _says(status: int, **fields: Any) -> Sequence[Scripted]:
    return [answers(status, fields)]


_PAGE = _graph(graph_error(10, subcode=2_018_278), graph_error(551))
OWN_WORDS: dict[str, dict[str, Sequence[Scripted]]] = {
    "whatsapp": _graph(graph_error(131_047), graph_error(131_026)),
    "messenger": _PAGE,
    "instagram": _PAGE,
    "telegram": {
        "429": _says(429, ok=False, error_code=429, description="Too Many Requests", parameters={"retry_after": 5}),
        "blocked": _says(403, ok=False, error_code=403, description="Forbidden: bot was blocked by the user"),
        "expired token": _says(401, ok=False, error_code=401, description="Unauthorized"),
    },
    "line": {
        "blocked": _says(400, message="Failed to send messages"),
        "expired token": _says(401, message="Authentication failed"),
    },
    "wechat": _tencent(45_015, 43_019),
    "wecom": _tencent(95_002, 84_061),
    "x": {
        "blocked": _says(403, detail="You cannot send messages to this user."),
        "expired token": _says(401, title="Unauthorized"),
    },
    "sms": {
        "window closed": _says(400, code=63_016, message="Outside the window"),
        "blocked": _says(400, code=21_610, message="Unsubscribed"),
        "expired token": _says(401, code=20_003, message="Authenticate"),
    },
}
"""By channel and trouble, where its provider has words of its own for it."""
EVERYWHERE: dict[str, Sequence[Scripted]] = {
    "429": [too_many(7)],
    "5xx": [server_error()],
    "time-out after accept": [SILENCE],
}
MAIL_SERVERS: dict[str, ScriptedServer] = {
    "429": ScriptedServer(rcpt="451 4.7.1 too many, try later"),
    "5xx": ScriptedServer(data="452 4.3.1 disk full"),
    "time-out after accept": ScriptedServer(data="silence"),
    "blocked": ScriptedServer(rcpt="550 5.1.1 no such user"),
    "expired token": ScriptedServer(rcpt="530 5.7.0 sign in first"),
}
CASES = [
    (channel, trouble)
    for channel, one in CHANNELS.items()
    if one.send is not None
    for trouble in EXPECTED
    if trouble in (MAIL_SERVERS if channel == "email" else EVERYWHERE | OWN_WORDS[channel])
]
"""Every trouble that a channel can have. Without a window: e-mail, Telegram, LINE and X."""


def class_of(channel: str, trouble: str) -> Refusal | None:
    """What the trouble is to be on that channel."""
    expected = EXPECTED[trouble]
    return Refusal.RETRY_LATER if expected is None and channel in SAFE_TO_REPEAT else expected


def attempt(channel: str, trouble: str) -> Outcome:
    """What one reply comes to."""
    if channel == "email":
        return sent_to(MAIL_SERVERS[trouble], a_reply_by_mail())
    send = CHANNELS[channel].send
    assert send is not None
    script = (EVERYWHERE | OWN_WORDS[channel])[trouble]
    reply = a_reply(handle=HANDLES.get(channel, "4357001"), message_id="message-0193a7c20000700080000000000000aa")

    def account(url: str) -> AccountDefinition:
        definition = ACCOUNTS[channel]
        return replace(definition, settings=definition.settings | {"api_url": url})

    outcome, taken = attempted(send, account, *script, accepts=_not_again, reply=reply)
    assert len(taken) == len(script), "one attempt, and no more"
    return outcome


def _not_again(taken: Taken, _: int) -> Scripted:
    raise AssertionError(f"{taken.path} was asked for once more than expected")
