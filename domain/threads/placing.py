"""Decides which conversation a mail joins, so that mails in any order of arrival end up in the same conversations.

Mails that name each other, or the same mail that we never saw, are one thread; so is a bare "Re: …" with the mail that
it follows by date. A mail that comes late may show that two conversations are one: then the mails of the one that
nobody has worked on move to the other.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from domain.conversation import Conversation, Status
from domain.customer import Customer
from domain.event import Event
from domain.intake import InboundMessage, Intake, receive_message
from domain.interaction import MessageReceived
from domain.threads.mails import PROVEN, Mail, close_empty, mails_in, move, remembered

RECENT = timedelta(days=30)
"""A mail that names nothing follows by its subject only what was said this long before."""
STORED, SUBJECT, ANSWERED = "stored_id", "subject", "answered"
"""Rules: it names a mail that we have; it follows one by its subject; one that came before it answers it."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a mail belongs."""

    conversation_id: str = ""
    """Empty: that of the thread, else a new one."""
    thread: str
    rule: str
    moving: tuple[Mail, ...] = ()
    """Mails of other conversations that belong there too."""


def place(customer: Customer, message: InboundMessage, *, account_id: str, at: datetime) -> Place:
    """The conversation to join by proof, by the ids that mails name, or by subject; and what belongs there with it.

    An id that we never saw joins only mails of this customer that name it too. By subject only a mail that says it
    answers, and names nothing, follows the latest of the same subject before it.
    """
    new = remembered(
        Mail(
            message_id="",
            provider_id=message.provider_id,
            account_id=account_id,
            conversation_id=message.conversation_id,
            said_at=message.occurred_at,
            answers=message.answers,
            is_fixed=bool(message.conversation_id) and message.joined_by in PROVEN,
        ),
        message.subject,
    )
    here = [one for one in customer.mails.values() if one.account_id == account_id and one.conversation_id]
    plain = _plain_thread(new, here)
    thread = _thread_of(new, here) if plain is None else plain
    torn = _torn(new, thread, here) if plain is None else set[str]()
    candidates = [
        one
        for one in (*_named(new, thread), *_answering(thread, here))
        if one[0] not in torn or not _may_be_left(customer, one[0], here)
    ]
    if new.is_fixed and new.conversation_id in customer.conversations:
        candidates = [*taken_out(new.conversation_id, new.answers, here), (new.conversation_id, message.joined_by)]
    known = [one for one in candidates if one[0] in customer.conversations]
    goes_on = (one for one in known if _goes_on(customer.conversations[one[0]], at))
    target, rule = next(goes_on, known[0] if known else ("", message.joined_by))
    moving = [
        one for one in thread if one.conversation_id != target and _may_be_left(customer, one.conversation_id, here)
    ]
    return Place(
        conversation_id=target,
        thread=new.provider_id if thread and not target else message.thread,
        rule=rule or message.joined_by,
        moving=tuple(moving),
    )


def receive_mail(
    customer: Customer,
    message: InboundMessage,
    *,
    account_id: str,
    intake: Intake,
    message_id: str,
    new_conversation_id: str,
    at: datetime,
) -> list[Event]:
    """As `receive_message`, into the conversation where the mail belongs, with the mails that belong there too.

    Raises TooManyConversations.
    """
    found = place(customer, message, account_id=account_id, at=at)
    events = receive_message(
        customer,
        replace(message, conversation_id=found.conversation_id, thread=found.thread, joined_by=found.rule),
        channel="email",
        account_id=account_id,
        scope="",
        intake=intake,
        message_id=message_id,
        new_conversation_id=new_conversation_id,
        at=at,
    )
    if found.moving:
        received = next(event for event in events if isinstance(event, MessageReceived))
        events += _gather(customer, found.moving, received)
    return events


def _gather(customer: Customer, moving: Sequence[Mail], received: MessageReceived) -> list[Event]:
    """Moves the mails to the one that was received, and closes the conversations that have none left."""
    gone = {one.message_id for one in moving}
    events: list[Event] = []
    for conversation_id in dict.fromkeys(one.conversation_id for one in moving):
        left = customer.conversations[conversation_id]
        mails = mails_in(customer.mails, conversation_id)
        staying = [one for one in mails if one.message_id not in gone]
        for mail in mails:
            if mail.message_id in gone:
                into, holder = received.conversation_id, received.agent_id
                events += move(mail, left, staying, to_conversation_id=into, to_agent_id=holder, is_by_hand=False)
        events += close_empty(left, staying)
    return events


def _plain_thread(new: Mail, here: Sequence[Mail]) -> list[Mail] | None:
    """The mails of the one conversation that it is linked to, if any, where nobody decided about those that link them:
    then the rest of the thread is there too, and need not be looked for, which takes long. None where it has to be.
    """
    if new.is_bare or any(one.is_bare and one.subject == new.subject for one in here):
        return None
    ids = {new.provider_id} if new.is_fixed else {new.provider_id, *new.answers}
    linked = [one for one in here if one.provider_id in ids or not ids.isdisjoint(one.answers)]
    places = {one.conversation_id for one in linked}
    if len(places) > 1:
        return None
    fixed = {one.provider_id for one in here if one.is_fixed}
    if any(one.is_fixed or not fixed.isdisjoint(one.answers) for one in linked):
        return None
    return [one for one in here if one.conversation_id in places]


def _thread_of(new: Mail, here: Sequence[Mail]) -> list[Mail]:
    """The other mails of its thread, as links between any two of them make it."""
    links = _links((*here, new))
    linked: dict[str, list[str]] = {}
    for one, named in links.items():
        for name in named:
            linked.setdefault(name, []).append(one)
    found, unread = {new.provider_id}, deque([new.provider_id])
    while unread:
        one = unread.popleft()
        for other in (*links.get(one, ()), *linked.get(one, ())):
            if other not in found:
                found.add(other)
                unread.append(other)
    return [one for one in here if one.provider_id in found]


def _links(mails: Sequence[Mail]) -> dict[str, list[str]]:
    """The ids that each hangs on. What somebody decided hangs on nothing, and holds what names it to itself."""
    fixed = {one.provider_id for one in mails if one.is_fixed}
    followed = _followed(mails)
    links: dict[str, list[str]] = {}
    for one in mails:  # of which several may bear one id
        named = list(one.answers)
        upto = next((place for place, name in enumerate(named, start=1) if name in fixed), len(named))
        hangs_on = [] if one.is_fixed else named[:upto] or followed.get(one.provider_id, [])
        links[one.provider_id] = [*links.get(one.provider_id, ()), *hangs_on]
    return links


def _followed(mails: Iterable[Mail]) -> dict[str, list[str]]:
    """Of each bare mail the latest one of the same subject before it, by the dates that they bear."""
    by_subject: dict[str, list[tuple[datetime, str, bool]]] = {}
    for one in mails:
        if one.subject and one.said_at is not None:
            by_subject.setdefault(one.subject, []).append(
                (one.said_at, one.provider_id, one.is_bare and not one.is_fixed)
            )
    found: dict[str, list[str]] = {}
    for several in by_subject.values():
        for (before_at, before, _), (said_at, provider_id, is_bare) in pairwise(sorted(several)):
            if is_bare and said_at - before_at <= RECENT:
                found.setdefault(provider_id, []).append(before)
    return found


def _named(new: Mail, thread: Sequence[Mail]) -> list[tuple[str, str]]:
    """The conversations that it asks for, the nearest first, each with the rule: those of mails of its own id, for an
    id is a thread, however often it was given; then of what it names. Of an id we never saw, those of the
    mails that name it too, which is what its own rule says.
    """
    links, by_id = _links((*thread, new)), {one.provider_id: one for one in thread}
    mine = links[new.provider_id]
    found = [(one.conversation_id, STORED) for one in thread if one.provider_id == new.provider_id]
    found += [(by_id[name].conversation_id, STORED if new.answers else SUBJECT) for name in mine if name in by_id]
    for name in mine:
        found += [(one.conversation_id, "") for one in thread if name in links[one.provider_id]]
    return found


def _answering(thread: Sequence[Mail], here: Sequence[Mail]) -> list[tuple[str, str]]:
    """The conversations of those that hang on it, where those hold nothing that belongs elsewhere."""
    belonging = {one.provider_id for one in thread}
    elsewhere = {one.conversation_id for one in here if one.provider_id not in belonging}
    return [(one.conversation_id, ANSWERED) for one in thread if one.conversation_id not in elsewhere]


def taken_out(proven_id: str, answers: Iterable[str], here: Iterable[Mail]) -> list[tuple[str, str]]:
    """Where a person put what a mail answers out of the conversation that it proves: it follows."""
    moved = {one.provider_id: one.conversation_id for one in here if one.moved_from == proven_id}
    return [(moved[name], STORED) for name in answers if name in moved]


def _goes_on(one: Conversation, at: datetime) -> bool:
    return not one.is_closed or one.is_reopenable(at)


def _torn(new: Mail, thread: Sequence[Mail], here: Sequence[Mail]) -> set[str]:
    """The conversations where a bare mail followed one that it does not belong to: now it follows the new one."""
    if not thread:
        return set()
    before, after = _followed(here), _followed((*here, new))
    belonging, by_id = {one.provider_id for one in thread}, {one.provider_id: one for one in here}
    lost = {name for one, names in before.items() if after.get(one) != names for name in names}
    return {by_id[name].conversation_id for name in lost - belonging}


def _may_be_left(customer: Customer, conversation_id: str, here: Collection[Mail]) -> bool:
    """Whether nobody has worked on the conversation, so that taking mails out of it surprises nobody."""
    one = customer.conversations.get(conversation_id)
    if one is None or one.status not in (Status.OPEN, Status.WAITING) or one.agent_id or one.tags:
        return False
    if any(sent.conversation_id == one.id for sent in customer.outbound.values()):
        return False
    return not any(other.is_fixed and one.id in (other.conversation_id, other.moved_from) for other in here)
