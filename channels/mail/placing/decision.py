"""Decides which conversation a mail joins, over facts that somebody looked up: pure, and with the rule named."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from channels.mail.placing.subjects import is_reply, is_telling, normalised
from channels.mail.threads import Rule

RECENT = timedelta(days=30)
"""A mail that names nothing joins by its subject only what was said this long before."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation of the sender in the same mailbox."""

    conversation_id: str
    subject: str
    latest_at: datetime


def decided(
    rule: Rule,
    conversation_id: str,
    *,
    named: Sequence[str],
    stored: Mapping[str, str],
    subject: str,
    sent_at: datetime,
    candidates: Sequence[Candidate],
) -> tuple[str, Rule]:
    """The conversation to join, or nothing for that of the thread the mail names, and the rule that decided.

    `rule` and `conversation_id` are what the mail itself proved (see `threads.place`); `named` the ids that it
    answers, nearest first; `stored` the conversations of those that this mailbox holds. An id that nobody stored
    joins nothing here: it only names the thread within the sender's own mail. By subject joins only what says that
    it answers and names no id at all, in a recent conversation of the same sender.

    Example: `(Rule.IN_REPLY_TO, "", named=["<2@x>"], stored={"<2@x>": "conversation-…"}, …)` →
    `("conversation-…", Rule.STORED_ID)`
    """
    if conversation_id:
        return conversation_id, rule
    for one in named:
        if one in stored:
            return stored[one], Rule.STORED_ID
    wanted = normalised(subject)
    if named or not is_reply(subject) or not is_telling(wanted):
        return "", rule
    fitting = [
        one for one in candidates if normalised(one.subject) == wanted and abs(sent_at - one.latest_at) <= RECENT
    ]
    best = max(fitting, key=lambda one: (one.latest_at, one.conversation_id), default=None)
    return (best.conversation_id, Rule.SUBJECT) if best else ("", rule)
