"""What is remembered of a customer's mails, so that the next one finds its conversation."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.conversation import Conversation, ConversationClosed, Status
from domain.event import Event
from domain.interaction import MessageReceived
from domain.threads.moves import MessageJoined, MessageLeft, MoveEvent
from domain.threads.subjects import is_reply, is_telling, normalised

MAILS_KEPT = 500
"""Of one customer; an answer to an older one opens a conversation, unless our own token or Message-ID proves its."""
JOINED_ANOTHER = "joined another"
"""The disposition of a conversation that lost its last mail while nobody had it."""
PROVEN = frozenset({"reply_address", "own_message_id"})
"""Rules by which a mail itself proves its conversation."""


class Mail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A mail of the customer."""

    message_id: str
    provider_id: str
    """Its Message-ID."""
    account_id: str
    conversation_id: str
    """Where it is now; empty once it is another customer's."""
    handle: str = ""
    said_at: datetime | None = None
    subject: str = ""
    """Without `Re:` and the like; empty where that says nothing."""
    answers: tuple[str, ...] = ()
    """The Message-IDs that it says it answers, the nearest first."""
    is_bare: bool = False
    """It says that it answers something, and names nothing."""
    is_fixed: bool = False
    """A person, or a token that only we can make, decided where it is: no other mail changes that."""
    moved_from: str = ""
    """The conversation that a person took it out of."""
    nature: str = ""
    """Of a mail that no person wrote: what did, as of `MessageReceived`."""
    is_participant: bool = False
    """Somebody else wrote it, as of `MessageReceived`."""


def remembered(mail: Mail, subject: str) -> Mail:
    """With what its subject tells."""
    telling = normalised(subject)
    return replace(
        mail,
        subject=telling if is_telling(telling) else "",
        is_bare=not mail.answers and is_reply(subject),
    )


def evolve(mails: dict[str, Mail], event: Event) -> dict[str, Mail]:
    """What the event changes; the same dict where it changes nothing."""
    match event:
        case MessageReceived():
            return _with_arrived(mails, event) if event.channel == "email" and event.provider_id else mails
        case MessageLeft() if event.to_customer_id:
            key = _key_in(mails, event)
            if (known := mails.get(key)) is None:
                return mails
            return mails | {key: replace(known, conversation_id="", moved_from=event.conversation_id)}
        case MessageJoined():
            key = _key_in(mails, event)
            if (known := mails.get(key)) is None:
                return mails
            moved = replace(known, conversation_id=event.conversation_id, is_participant=event.is_participant)
            if event.is_by_hand:
                moved = replace(moved, is_fixed=True, moved_from=event.from_conversation_id)
            return mails | {key: moved}
        case _:
            return mails


def _with_arrived(mails: dict[str, Mail], event: MessageReceived) -> dict[str, Mail]:
    mail = Mail(
        message_id=event.message_id,
        provider_id=event.provider_id,
        account_id=event.account_id,
        conversation_id=event.conversation_id,
        handle=event.reply_to or event.handle,
        said_at=event.said_at,
        answers=event.answers,
        is_fixed=event.joined_by in PROVEN,
        nature=event.nature,
        is_participant=event.is_participant,
    )
    kept = mails | {_key_in(mails, event): remembered(mail, event.subject)}
    if len(kept) > MAILS_KEPT:
        del kept[next(iter(kept))]
    return kept


def key_of(account_id: str, provider_id: str) -> str:
    """The same mail may come to two mailboxes. Of several mails that bear one id, this is the key of the first."""
    return f"{account_id} {provider_id}"


def _key_in(mails: Mapping[str, Mail], event: MessageReceived | MoveEvent) -> str:
    key = key_of(event.account_id, event.provider_id)
    return key if key not in mails or mails[key].message_id == event.message_id else f"{key} {event.message_id}"


def mails_in(mails: Mapping[str, Mail], conversation_id: str) -> list[Mail]:
    """Those of a conversation, the oldest arrival first."""
    return [one for one in mails.values() if one.conversation_id == conversation_id]


def move(
    mail: Mail,
    left: Conversation,
    staying: Sequence[Mail],
    *,
    to_conversation_id: str,
    to_agent_id: str | None,
    is_by_hand: bool,
    preview: str = "",
) -> list[Event]:
    """One mail from a conversation, where others may stay, into another, which an agent may hold."""
    return [
        leave(mail, left, staying, to_conversation_id=to_conversation_id, is_by_hand=is_by_hand),
        MessageJoined(
            conversation_id=to_conversation_id,
            message_id=mail.message_id,
            provider_id=mail.provider_id,
            account_id=mail.account_id,
            from_conversation_id=left.id,
            handle=mail.handle,
            preview=preview,
            said_at=mail.said_at,
            is_by_hand=is_by_hand,
            agent_id=to_agent_id,
            is_participant=mail.is_participant,
        ),
    ]


def leave(
    mail: Mail,
    left: Conversation,
    staying: Sequence[Mail],
    *,
    to_conversation_id: str,
    is_by_hand: bool,
    to_customer_id: str = "",
) -> MessageLeft:
    """The first half of a move: what a reply answers from then on is the customer's newest mail that stays."""
    own = next((one.provider_id for one in reversed(staying) if not one.is_participant), "")
    return MessageLeft(
        conversation_id=left.id,
        message_id=mail.message_id,
        provider_id=mail.provider_id,
        account_id=mail.account_id,
        to_conversation_id=to_conversation_id,
        latest_provider_id=left.latest_provider_id if mail.is_participant else own,
        is_by_hand=is_by_hand,
        agent_id=left.holder,
        to_customer_id=to_customer_id,
    )


def close_empty(left: Conversation, staying: Sequence[Mail]) -> list[Event]:
    """A conversation that has no mail any more need not wait for anybody; who has it closes it themselves."""
    if staying or left.status not in (Status.OPEN, Status.WAITING):
        return []
    return [ConversationClosed(conversation_id=left.id, queue_id=left.queue_id, disposition=JOINED_ANOTHER)]
