"""How what we sent fares: it only moves up, and whatever comes again or late is no news."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import customer
from domain.customer import Customer
from domain.event import Event
from domain.interaction import Content, ContentKind, ReplyEchoed, ReplyWritten
from domain.outbound import receipts
from domain.outbound.delivery import (
    DeliveryAccepted,
    DeliveryAttempted,
    DeliveryRejected,
    DeliveryReported,
    DeliveryStatus,
    DeliveryUnknown,
)
from domain.outbound.receipts import OUTBOUND_KEPT, Fate, NoLongerFollowed
from tests.domain.situations import ACCOUNT, CONVERSATION, MEI, after_customer, an_assigned_conversation, joan

REPLY = ReplyWritten(
    conversation_id=CONVERSATION,
    message_id="message-1",
    channel="whatsapp",
    account_id=ACCOUNT,
    handle="+4915112345678",
    text="On its way.",
    agent_id=MEI,
)
ATTEMPTED = DeliveryAttempted(conversation_id=CONVERSATION, message_id="message-1", attempt=1, agent_id=MEI)
ACCEPTED = DeliveryAccepted(conversation_id=CONVERSATION, message_id="message-1", provider_id="p-1", agent_id=MEI)
UNKNOWN = DeliveryUnknown(conversation_id=CONVERSATION, message_id="message-1", reason="no answer", agent_id=MEI)
SENT, DELIVERED, READ, FAILED = DeliveryStatus


def told(*events: Event) -> Customer:
    """Joan, after a reply to her and these events."""
    return after_customer(joan(an_assigned_conversation()), *[REPLY, *events])


def report(
    before: Customer, status: DeliveryStatus, participant: str = "", message_id: str = "message-1"
) -> list[Event]:
    return receipts.report(
        before.outbound, message_id=message_id, status=status, provider_id="p-1", participant=participant
    )


def reported(status: DeliveryStatus, participant: str = "") -> DeliveryReported:
    return DeliveryReported(
        conversation_id=CONVERSATION,
        message_id="message-1",
        status=status,
        provider_id="p-1",
        participant=participant,
        agent_id=MEI,
    )


def fate(before: Customer) -> Fate:
    return before.outbound["message-1"].fate


@pytest.mark.parametrize("status", DeliveryStatus)
def test_a_report_moves_an_accepted_message_up(status: DeliveryStatus) -> None:
    before = told(ATTEMPTED, ACCEPTED)

    events = report(before, status)

    assert events == [reported(status)]
    assert fate(after_customer(before, *events)) is Fate(status)


def test_what_is_told_again_or_late_is_no_news() -> None:
    before = after_customer(told(ATTEMPTED, ACCEPTED), *[reported(READ)])

    assert report(before, READ) == report(before, DELIVERED) == report(before, SENT) == []


def test_a_failure_is_the_end_and_may_come_after_anything() -> None:
    before = after_customer(told(ATTEMPTED, ACCEPTED), *[reported(READ)])

    failed = after_customer(before, *report(before, FAILED))

    assert fate(failed) is Fate.FAILED
    assert report(failed, READ) == []


@pytest.mark.parametrize("before", [told(ATTEMPTED), told(ATTEMPTED, UNKNOWN), told()])
def test_a_report_settles_an_outcome_that_was_not_known(before: Customer) -> None:
    accepted, delivered = report(before, DELIVERED)

    assert isinstance(accepted, DeliveryAccepted)
    assert (accepted.provider_id, accepted.agent_id) == ("p-1", MEI)
    assert delivered == reported(DELIVERED)


def test_the_sender_who_learns_nothing_does_not_undo_what_the_channel_told() -> None:
    before = after_customer(told(ATTEMPTED), *report(told(ATTEMPTED), DELIVERED))

    assert fate(after_customer(before, *[UNKNOWN])) is Fate.DELIVERED
    assert fate(after_customer(before, *[ACCEPTED])) is Fate.DELIVERED


def test_before_the_channel_took_it_the_latest_attempt_counts() -> None:
    again = DeliveryRejected(conversation_id=CONVERSATION, message_id="message-1", reason="later", is_final=False)
    final = DeliveryRejected(conversation_id=CONVERSATION, message_id="message-1", reason="never")

    assert fate(told(ATTEMPTED, again)) is Fate.ATTEMPTED
    assert fate(told(ATTEMPTED, UNKNOWN, ATTEMPTED)) is Fate.ATTEMPTED
    assert fate(told(ATTEMPTED, again, ATTEMPTED, final)) is Fate.REJECTED
    assert fate(told(ATTEMPTED, final, ACCEPTED)) is Fate.ACCEPTED


def test_one_of_a_group_fares_on_their_own() -> None:
    before = told(ATTEMPTED, ACCEPTED)
    before = after_customer(before, *report(before, READ, participant="ana"))

    failed = report(before, FAILED, participant="ben")

    assert failed == [reported(FAILED, participant="ben")]
    assert report(before, DELIVERED, participant="ana") == []
    assert fate(after_customer(before, *failed)) is Fate.READ
    assert before.outbound["message-1"].participants == {"ana": READ}


def test_only_so_many_of_a_group_are_followed() -> None:
    before = told(ATTEMPTED, ACCEPTED)
    crowd = [reported(READ, participant=f"p{number}") for number in range(receipts.PARTICIPANTS_MAX)]
    before = after_customer(before, *crowd)

    assert report(before, READ, participant="one more") == []


def test_only_the_latest_messages_are_followed() -> None:
    before = told(ATTEMPTED, ACCEPTED)
    later = [replace(REPLY, message_id=f"message-{number}") for number in range(2, OUTBOUND_KEPT + 2)]
    before = after_customer(before, *later)

    assert len(before.outbound) == OUTBOUND_KEPT
    with pytest.raises(NoLongerFollowed):
        report(before, READ)


def test_what_was_written_elsewhere_is_followed_and_its_edit_is_not() -> None:
    echoed = ReplyEchoed(
        conversation_id=CONVERSATION,
        message_id="message-9",
        provider_id="p-9",
        channel="whatsapp",
        account_id=ACCOUNT,
        handle="+4915112345678",
        content=Content(text="from the phone"),
    )
    edit = replace(echoed, message_id="message-10", content=Content(kind=ContentKind.EDIT, about="p-9"))

    before = after_customer(customer.NEW, *[echoed, edit])

    assert [one.message_id for one in before.outbound.values()] == ["message-9"]
    assert report(before, READ, message_id="message-9") != []


@given(statuses=st.lists(st.sampled_from(DeliveryStatus), min_size=1, max_size=8), when=st.integers(0, 8))
def test_in_any_order_and_however_often_the_same_comes_of_it(statuses: list[DeliveryStatus], when: int) -> None:
    """Wherever among the reports the sender records that the channel took it."""
    orders = itertools.islice(itertools.permutations(statuses), 24)

    ends = {(fate(end), end.outbound["message-1"].provider_id) for end in (_after(order, when) for order in orders)}

    assert ends == {(max(map(Fate, statuses), key=list(Fate).index), "p-1")}


def _after(statuses: Sequence[DeliveryStatus], when: int) -> Customer:
    now = told(ATTEMPTED)
    for number, status in enumerate(statuses):
        if number == when:
            now = after_customer(now, *[ACCEPTED])
        now = after_customer(now, *report(now, status))
        assert report(now, status) == []
    return now
