"""What a customer is told when their conversation goes elsewhere with a promise, and while the promise stands."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain import assignment, classification, conversation, offers
from domain.assignment import ConversationEnqueued
from domain.classification import ConversationOverflowed, Marks, PromiseTold
from domain.conversation import Conversation
from domain.queue import Limit, OverflowRule, Promise
from tests.domain.situations import (
    ACCOUNT,
    CONVERSATION,
    IN_A_MINUTE,
    IN_A_WEEK,
    MEI,
    NOON,
    OFFER,
    QUEUE,
    a_waiting_conversation,
    after,
)

LATER = "queue-later"
IN_AN_HOUR = NOON + timedelta(hours=1)
WORDS = {"zh": "一小时内回电。", "de": "Wir rufen zurück.", "otherwise": "We call you back."}
CALL_BACK = OverflowRule(when=Limit.WAITED, limit=60, to_queue_id=LATER, promise=Promise.CALLBACK, words=WORDS)
Overflown = tuple[Conversation, ConversationOverflowed]


def an_overflown_conversation(rule: OverflowRule = CALL_BACK, language: str = "") -> Overflown:
    before = a_waiting_conversation()
    before = after(before, classification.classify(before, Marks(language=language)))
    overflowed, enqueued = classification.overflow(before, rule, queue_id=QUEUE, at=NOON)
    assert isinstance(overflowed, ConversationOverflowed)
    return after(before, [overflowed, enqueued]), overflowed


@pytest.mark.parametrize(
    ("language", "words"),
    [("", "otherwise"), ("fr", "otherwise"), ("zh", "zh"), ("zh-Hant-HK", "zh"), ("DE", "de"), ("d", "otherwise")],
)
def test_the_words_are_chosen_by_the_nearest_language(language: str, words: str) -> None:
    _, overflowed = an_overflown_conversation(language=language)

    assert overflowed.words == WORDS[words]


def test_a_rule_without_words_says_nothing() -> None:
    silent = OverflowRule(when=Limit.WAITED, limit=60, to_queue_id=LATER, promise=Promise.CALLBACK)
    one, overflowed = an_overflown_conversation(silent)

    assert overflowed.words == ""
    assert classification.tell_promise(one, overflowed, message_id="message-1", at=NOON) == []


def test_the_promise_is_told_as_a_reply_that_nobody_wrote() -> None:
    one, overflowed = an_overflown_conversation()

    told = classification.tell_promise(one, overflowed, message_id="message-1", at=IN_A_MINUTE)

    assert told == [
        PromiseTold(
            conversation_id=CONVERSATION,
            message_id="message-1",
            channel="webchat",
            account_id=ACCOUNT,
            handle="",
            text="We call you back.",
            agent_id="",
            promise=Promise.CALLBACK,
            promised_at=IN_AN_HOUR,
        )
    ]
    assert not after(one, told).answered


def test_it_is_told_while_an_offer_of_it_stands() -> None:
    one, overflowed = an_overflown_conversation()
    offered = after(one, offers.offer(one, offer_id=OFFER, agent_id=MEI, units=2, expires_at=IN_A_MINUTE))

    assert classification.tell_promise(offered, overflowed, message_id="message-1", at=NOON) != []


def taken(one: Conversation) -> Conversation:
    one = after(one, offers.offer(one, offer_id=OFFER, agent_id=MEI, units=2, expires_at=IN_A_MINUTE))
    return after(one, offers.accept_offer(one, offer_id=OFFER, agent_id=MEI))


def closed(one: Conversation) -> Conversation:
    return after(one, conversation.close(one, disposition="spam", reopenable_until=IN_A_WEEK))


def promised_anew(one: Conversation) -> Conversation:
    return after(one, classification.overflow(one, CALL_BACK, queue_id=LATER, at=IN_A_MINUTE))


@pytest.mark.parametrize("become", [taken, closed, promised_anew])
def test_what_no_longer_waits_for_the_promise_is_told_nothing(become: Callable[[Conversation], Conversation]) -> None:
    one, overflowed = an_overflown_conversation()

    assert classification.tell_promise(become(one), overflowed, message_id="message-1", at=IN_A_MINUTE) == []


def test_a_promise_that_is_over_is_not_told() -> None:
    one, overflowed = an_overflown_conversation()

    assert classification.tell_promise(one, overflowed, message_id="message-1", at=IN_AN_HOUR) == []


def test_what_goes_on_without_another_promise_is_told_the_first() -> None:
    one, overflowed = an_overflown_conversation()
    onward = OverflowRule(when=Limit.LENGTH, limit=1, to_queue_id="queue-3")

    one = after(one, classification.overflow(one, onward, queue_id=LATER, at=IN_A_MINUTE))

    assert classification.tell_promise(one, overflowed, message_id="message-1", at=IN_A_MINUTE) != []


def test_what_it_asked_for_beyond_its_queues_skills_goes_with_it() -> None:
    before = after(a_waiting_conversation(), assignment.transfer(a_waiting_conversation(), to_queue_id=QUEUE))
    asking = assignment.enqueue(before, queue_id=QUEUE, at=NOON, due_at=None, skills={"billing": 2, "returns": 5})
    relaxed = classification.relax(
        after(before, asking), queue_id=QUEUE, step=1, skills={"billing": 2, "shoes": 1}, groups=()
    )

    one = after(before, [*asking, *relaxed])
    _, enqueued = classification.overflow(one, CALL_BACK, queue_id=QUEUE, at=NOON)

    assert one.given_up == {"returns"}
    assert isinstance(enqueued, ConversationEnqueued)
    assert enqueued.skills == {"billing": 2}
    assert after(one, [enqueued]).given_up == frozenset()


def test_what_was_handed_on_by_a_person_keeps_its_promise() -> None:
    one, overflowed = an_overflown_conversation()
    one = after(one, assignment.transfer(one, to_queue_id=QUEUE))

    one = after(one, assignment.enqueue(one, queue_id=QUEUE, at=IN_A_MINUTE, due_at=one.due_at))

    assert classification.tell_promise(one, overflowed, message_id="message-1", at=IN_A_MINUTE) != []
