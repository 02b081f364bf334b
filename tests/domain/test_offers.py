"""Offers of a conversation: made, answered, run out, taken back."""

import pytest

from domain import offers
from domain.assignment import Choice, ConversationOffered, OfferAccepted, OfferDeclined, OfferExpired, OfferWithdrawn
from domain.conversation import Conversation, Status
from domain.offers import NotWaiting, OfferGone, OfferNotYours, OfferStillStands, ReasonMissing
from tests.domain.situations import (
    CONVERSATION,
    IN_A_MINUTE,
    IN_TWO_MINUTES,
    MEI,
    NOON,
    OFFER,
    OLA,
    QUEUE,
    a_closed_conversation,
    a_conversation_in_wrap_up,
    a_conversation_on_hold,
    a_waiting_conversation,
    after,
    an_assigned_conversation,
    an_offered_conversation,
    an_open_conversation,
    where,
)


def test_a_waiting_conversation_is_offered_with_the_reason() -> None:
    conversation = a_waiting_conversation()
    choice = Choice(
        position=7, ordinal=0, decided_at=NOON, policy_version=1, rule="longest_idle", score=600.0, eligible=3
    )

    events = offers.offer(conversation, offer_id=OFFER, agent_id=MEI, units=2, expires_at=IN_A_MINUTE, choice=choice)

    assert events == [
        ConversationOffered(
            conversation_id=CONVERSATION,
            queue_id=QUEUE,
            offer_id=OFFER,
            agent_id=MEI,
            units=2,
            expires_at=IN_A_MINUTE,
            choice=choice,
        )
    ]
    assert where(after(conversation, events)) == (Status.OFFERED, MEI, OFFER, 2)


@pytest.mark.parametrize(
    "conversation",
    [
        an_open_conversation(),
        an_offered_conversation(),
        an_assigned_conversation(),
        a_conversation_on_hold(),
        a_conversation_in_wrap_up(),
        a_closed_conversation(),
    ],
    ids=lambda one: one.status,
)
def test_only_what_waits_is_offered(conversation: Conversation) -> None:
    with pytest.raises(NotWaiting):
        offers.offer(conversation, offer_id="offer-2", agent_id=OLA, units=2, expires_at=IN_A_MINUTE)


def test_an_offer_holds_nothing_yet() -> None:
    assert an_offered_conversation().holder is None


def test_an_accepted_offer_makes_the_agent_the_holder() -> None:
    conversation = an_offered_conversation()

    events = offers.accept_offer(conversation, offer_id=OFFER, agent_id=MEI)

    assert events == [OfferAccepted(conversation_id=CONVERSATION, queue_id=QUEUE, offer_id=OFFER, agent_id=MEI)]
    assert where(after(conversation, events)) == (Status.ASSIGNED, MEI, None, 2)
    assert after(conversation, events).holder == MEI


def test_a_declined_offer_waits_again_with_its_age() -> None:
    conversation = an_offered_conversation()

    events = offers.decline_offer(conversation, offer_id=OFFER, agent_id=MEI, reason="lunch")

    assert events == [
        OfferDeclined(conversation_id=CONVERSATION, queue_id=QUEUE, offer_id=OFFER, agent_id=MEI, reason="lunch")
    ]
    assert where(after(conversation, events)) == (Status.WAITING, None, None, 0)
    assert after(conversation, events).waiting_since == NOON


def test_declining_needs_a_reason() -> None:
    with pytest.raises(ReasonMissing):
        offers.decline_offer(an_offered_conversation(), offer_id=OFFER, agent_id=MEI, reason=" ")


def test_another_agent_does_not_answer_the_offer() -> None:
    conversation = an_offered_conversation()

    with pytest.raises(OfferNotYours):
        offers.accept_offer(conversation, offer_id=OFFER, agent_id=OLA)
    with pytest.raises(OfferNotYours):
        offers.decline_offer(conversation, offer_id=OFFER, agent_id=OLA, reason="lunch")


@pytest.mark.parametrize(
    ("conversation", "offer_id"),
    [
        (an_offered_conversation(), "offer-before"),
        (a_waiting_conversation(), OFFER),
        (an_assigned_conversation(), OFFER),
        (a_closed_conversation(), OFFER),
    ],
    ids=["another offer", "taken back", "accepted", "closed"],
)
def test_an_offer_that_no_longer_stands_is_not_answered(conversation: Conversation, offer_id: str) -> None:
    with pytest.raises(OfferGone):
        offers.accept_offer(conversation, offer_id=offer_id, agent_id=MEI)
    with pytest.raises(OfferGone):
        offers.decline_offer(conversation, offer_id=offer_id, agent_id=MEI, reason="lunch")
    with pytest.raises(OfferGone):
        offers.expire_offer(conversation, offer_id=offer_id, at=IN_TWO_MINUTES)


def test_an_offer_runs_out_at_its_time() -> None:
    conversation = an_offered_conversation()

    events = offers.expire_offer(conversation, offer_id=OFFER, at=IN_A_MINUTE)

    assert events == [OfferExpired(conversation_id=CONVERSATION, queue_id=QUEUE, offer_id=OFFER, agent_id=MEI)]
    assert where(after(conversation, events)) == (Status.WAITING, None, None, 0)


def test_an_offer_does_not_run_out_before_its_time() -> None:
    with pytest.raises(OfferStillStands):
        offers.expire_offer(an_offered_conversation(), offer_id=OFFER, at=NOON)


def test_an_offer_is_withdrawn() -> None:
    conversation = an_offered_conversation()

    events = offers.withdraw_offer(conversation, reason="signed_out")

    assert events == [
        OfferWithdrawn(conversation_id=CONVERSATION, queue_id=QUEUE, offer_id=OFFER, agent_id=MEI, reason="signed_out")
    ]
    assert where(after(conversation, events)) == (Status.WAITING, None, None, 0)


def test_withdrawing_where_nothing_is_offered_is_ignored() -> None:
    events = offers.withdraw_offer(an_assigned_conversation(), reason="signed_out")

    assert events == []
