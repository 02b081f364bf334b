"""Which conversation a mail joins, by which rule; and that the order in which mails arrive does not matter."""

# ruff: noqa: RUF001 - prefixes of other languages

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from channels.email import Mail, parse
from channels.mail.automatic import Nature
from channels.mail.placing.decision import RECENT, Candidate, decided
from channels.mail.placing.subjects import is_reply, is_telling, normalised
from channels.mail.threads import Rule
from domain import customer
from domain.intake import Intake, receive_message
from domain.interaction import MessageReceived
from tests.channels.corpora import mails

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEEDS = 40
SUBJECTS = (
    """
Re: your order 42|RE: RE: your order 42|Re[2]: your order 42|Re^3: your order 42|Re(2): your order 42|Re:: your order 42
RE--your order 42|[Re: your order 42]|AW: your order 42|Antw: your order 42|SV: your order 42|Antwort: your order 42
YNT: your order 42|Odp: your order 42|RES: your order 42|RIF: your order 42|R: your order 42|回复：your order 42
答复: your order 42|回覆: your order 42|返信: your order 42|Отв: your order 42|aw:  Your   Order 42
Re: Fwd: your order 42
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
FORWARDS = (
    "Fwd: your order 42|FW: your order 42|WG: your order 42|TR : your order 42|RV: your order 42|转发: your order 42"
)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_reply_prefix_is_taken_off_in_many_languages(subject: str) -> None:
    assert (normalised(subject), is_reply(subject)) == ("your order 42", True)


@pytest.mark.parametrize(
    "subject", [*FORWARDS.split("|"), "[Fwd: your order 42]", "your order 42 (fwd)", "your order 42"]
)
def test_a_forward_and_a_first_mail_answer_nothing(subject: str) -> None:
    assert (normalised(subject), is_reply(subject)) == ("your order 42", False)


@pytest.mark.parametrize("subject", ["", "Re:", "hello", "order", "hi :-)", "???????????"])
def test_a_subject_that_says_nothing_joins_nothing(subject: str) -> None:
    assert not is_telling(normalised(subject))


def a_candidate(subject: str = "Your order 42", *, before: timedelta = timedelta(days=1), name: str = "1") -> Candidate:
    return Candidate(conversation_id=f"conversation-{name}", subject=subject, latest_at=NOON - before)


def decide(
    subject: str = "Re: your order 42",
    *candidates: Candidate,
    rule: Rule = Rule.NEW,
    proven: str = "",
    named: Sequence[str] = (),
    stored: Mapping[str, str] = {},
) -> tuple[str, Rule]:
    return decided(rule, proven, named=named, stored=stored, subject=subject, sent_at=NOON, candidates=candidates)


def test_the_nearest_stored_mail_decides_and_an_unknown_id_never_does() -> None:
    stored = {"<1@x>": "conversation-1", "<2@x>": "conversation-2"}

    assert decide(named=["<3@x>", "<2@x>", "<1@x>"], stored=stored, rule=Rule.REFERENCES) == (
        "conversation-2",
        Rule.STORED_ID,
    )
    assert decide("Re: your order 42", a_candidate(), named=["<3@x>"], rule=Rule.IN_REPLY_TO) == ("", Rule.IN_REPLY_TO)
    assert decide(proven="conversation-9", rule=Rule.REPLY_ADDRESS, named=["<1@x>"], stored=stored) == (
        "conversation-9",
        Rule.REPLY_ADDRESS,
    )


def test_a_reply_that_names_nothing_joins_the_latest_conversation_of_its_subject() -> None:
    older, newer = a_candidate(before=timedelta(days=9), name="1"), a_candidate(name="2")

    assert decide("AW: Your order 42", older, newer) == ("conversation-2", Rule.SUBJECT)


@pytest.mark.parametrize(
    ("subject", "candidate"),
    [
        ("your order 42", a_candidate()),
        ("Fwd: your order 42", a_candidate()),
        ("Re: your order 43", a_candidate()),
        ("Re: hello", a_candidate("hello")),
        ("Re: your order 42", a_candidate(before=RECENT + timedelta(seconds=1))),
    ],
)
def test_a_subject_alone_joins_nothing_unless_everything_fits(subject: str, candidate: Candidate) -> None:
    assert decide(subject, candidate) == ("", Rule.NEW)


def test_who_filled_in_a_contact_form_is_the_sender_and_our_own_mail_is_a_loop() -> None:
    head = b"From: Shop <help@shop.example>\r\nReply-To: "
    own = ["help@shop.example"]

    form = parse(head + b"Ana <ana@example.org>\r\n\r\nHi", received_at=NOON, own_addresses=own)
    loop = parse(head + b"Shop <reply+1@shop.example>\r\n\r\nHi", received_at=NOON, own_addresses=own)

    assert (form.message.handle, form.message.author, form.nature) == ("ana@example.org", "Ana", Nature.PERSON)
    assert (loop.message.handle, loop.nature) == ("help@shop.example", Nature.OWN)


def an_archive(seed: int) -> list[Mail]:
    """Threads of ten customers, each a random tree whose replies name their ancestors, and the corpus's mails."""
    chance = random.Random(seed)
    raws = list(mails().values())
    for thread in range(30):
        chains: list[list[str]] = []
        for number in range(chance.randrange(1, 9)):
            own = f"<{thread}.{number}@example.org>"
            chain = chance.choice(chains) if chains else []
            chains.append([*chain, own])
            names = f"References: {' '.join(chain)}\nIn-Reply-To: {chain[-1]}\n" if chain else ""
            names = f"In-Reply-To: {chain[0]}\n" if len(chain) == 1 and chance.random() < 0.5 else names
            subject = f"{'Re: ' if chain else ''}Order {thread % 7}"
            sender = f"customer{thread % 10}@example.org"
            raws.append(f"From: {sender}\nMessage-ID: {own}\nSubject: {subject}\n{names}\nNumber {number}".encode())
    read = {mail.message.provider_id: mail for mail in (parse(raw, received_at=NOON) for raw in raws)}
    return list(read.values())  # the corpus has other mails of the same id, which are contradictions, not mails


def conversations_of(archive: Sequence[Mail]) -> set[frozenset[str]]:
    """Which mails are together, after they came in in this order: through the decision and the domain's own intake."""
    states: dict[str, customer.Customer] = {}
    together: dict[str, set[str]] = {}
    stored: dict[str, str] = {}
    for number, mail in enumerate(archive):
        message = mail.message
        if message.provider_id in stored:
            continue  # its claim is taken
        joined, rule = decided(
            mail.rule,
            message.conversation_id,
            named=mail.named_ids,
            stored=stored,
            subject=message.subject,
            sent_at=message.occurred_at,
            candidates=(),
        )
        state = states.get(message.handle, customer.NEW)
        events = receive_message(
            state,
            replace(message, conversation_id=joined, joined_by=rule.value),
            channel="email",
            account_id="account-1",
            scope="",
            intake=Intake(queue_id="queue-1"),
            message_id=f"message-{number}",
            new_conversation_id=f"conversation-{message.provider_id}",
            at=NOON,
        )
        for event in events:
            state = customer.evolve(state, event)
            if isinstance(event, MessageReceived):
                stored[event.provider_id] = event.conversation_id
                together.setdefault(f"{message.handle} {event.conversation_id}", set()).add(event.provider_id)
        states[message.handle] = state
    return {frozenset(one) for one in together.values()}


def test_an_archive_in_any_order_gives_the_same_conversations(tell: Callable[[str], None]) -> None:
    same = 0
    for seed in range(SEEDS):
        archive = an_archive(seed)
        shuffled = random.Random(seed).sample(archive, len(archive))

        by_date = conversations_of(archive)

        assert conversations_of(shuffled) == by_date, f"seed {seed}"
        same += 1
    tell(f"Archives replayed in random order, with the same conversations: {same} of {SEEDS}")
