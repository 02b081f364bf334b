"""Who a mail is from where it writes in our name; and that the order in which mails arrive does not matter."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from channels.email import Mail, parse
from channels.mail.automatic import Nature
from domain import customer
from domain.intake import Intake
from domain.threads.placing import receive_mail
from tests.channels.corpora import mails

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEEDS = 40


def test_who_filled_in_a_contact_form_is_the_sender_and_our_own_mail_is_a_loop() -> None:
    head = b"From: Shop <help@shop.example>\r\nReply-To: "
    own = ["help@shop.example"]

    form = parse(head + b"Ana <ana@example.org>\r\n\r\nHi", received_at=NOON, own_addresses=own)
    loop = parse(head + b"Shop <reply+1@shop.example>\r\n\r\nHi", received_at=NOON, own_addresses=own)

    assert (form.message.handle, form.message.author, form.nature) == ("ana@example.org", "Ana", Nature.PERSON)
    assert (loop.message.handle, loop.nature) == ("help@shop.example", Nature.OWN)


def an_archive(seed: int) -> list[Mail]:
    """Threads of ten customers and the corpus's mails. Each thread is a random tree, where a mail names all its
    ancestors, only the one that it answers, or nothing but the subject; some of its mails never came to us, and some
    ids were given twice.
    """
    chance = random.Random(seed)
    raws = list(mails().values())
    for thread in range(30):
        chains: list[list[str]] = []
        at = NOON - timedelta(minutes=chance.randrange(100_000))
        for number in range(chance.randrange(1, 9)):
            own, at = f"<{thread}.{number}@example.org>", at + timedelta(minutes=1 + chance.randrange(10_000))
            chain = chance.choice(chains) if chains else []
            chains.append([*chain, own])
            how = chance.choice(("references", "answered", "bare")) if chain else "first"
            names = {
                "references": f"References: {' '.join(chain)}\nIn-Reply-To: {chain[-1]}\n" if chain else "",
                "answered": f"In-Reply-To: {chain[-1]}\n" if chain else "",
            }.get(how, "")
            head = f"From: customer{thread % 10}@example.org\nMessage-ID: {own}\nDate: {format_datetime(at)}\n"
            subject = f"{'Re: ' if chain else ''}Your order {thread % 7}"
            if chance.random() < 0.85:
                raws.append(f"{head}Subject: {subject}\n{names}\nNumber {number}".encode())
            if chance.random() < 0.05:
                raws.append(f"{head}Subject: {subject}\n{names}\nNumber {number} again".encode())
    read = {
        (mail.message.provider_id, mail.message.written): mail
        for mail in (parse(raw, received_at=NOON) for raw in raws)
    }
    return list(read.values())


def conversations_of(archive: Sequence[Mail]) -> set[frozenset[str]]:
    """Which mails are together, after they came in in this order."""
    states: dict[str, customer.Customer] = {}
    for number, mail in enumerate(archive):
        message = mail.message
        message_id = f"{message.provider_id} {message.written}"
        state = states.get(message.handle, customer.NEW)
        events = receive_mail(
            state,
            message,
            account_id="account-1",
            intake=Intake(queue_id="queue-1"),
            message_id=message_id,
            new_conversation_id=f"conversation-{number}",
            at=NOON,
        )
        for event in events:
            state = customer.evolve(state, event)
        states[message.handle] = state
    together: dict[str, set[str]] = {}
    for state in states.values():
        for one in state.mails.values():
            together.setdefault(one.conversation_id, set()).add(one.message_id)
    assert sum(map(len, together.values())) == len(archive)  # nothing is swallowed
    return {frozenset(one) for one in together.values()}


def test_an_archive_in_any_order_gives_the_same_conversations(tell: Callable[[str], None]) -> None:
    same = shared = 0
    for seed in range(SEEDS):
        archive = an_archive(seed)
        shuffled = random.Random(seed).sample(archive, len(archive))

        by_date = conversations_of(sorted(archive, key=lambda mail: mail.message.occurred_at))

        assert conversations_of(shuffled) == by_date, f"seed {seed}"
        same += 1
        shared += sum(len(one) > 1 for one in by_date)
    tell(f"Archives replayed in random order, with the same conversations: {same} of {SEEDS}")
    assert shared > 10 * SEEDS
