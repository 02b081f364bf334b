"""What is known of waiting work, and what a customer is told when it goes elsewhere with a promise."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain import assignment, classification, conversation, offers
from domain.assignment import ConversationEnqueued
from domain.classification import AgentPreferred, ConversationClassified, ConversationOverflowed, Marks, PromiseTold
from domain.conversation import Conversation
from domain.languages import TAG, nearest
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
    after_customer,
    an_open_conversation,
    joan,
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


@pytest.mark.parametrize(
    ("known", "told", "heard"),
    [("", "de", "de"), ("", "", ""), ("zh", "de", "zh")],
)
def test_what_a_channel_tells_counts_where_nobody_has_classified(known: str, told: str, heard: str) -> None:
    one = an_open_conversation()
    one = after(one, classification.classify(one, Marks(language=known)))

    assert classification.hear_language(one, told).language == heard


def told_by_its_channel(language: str) -> Conversation:
    one = classification.hear_language(an_open_conversation(), language)
    return after(an_open_conversation(), assignment.enqueue(one, queue_id=QUEUE, at=NOON, due_at=None))


def test_a_channel_may_tell_another_language_later_and_a_person_has_the_last_word() -> None:
    one = told_by_its_channel("de")
    again = classification.hear_language(one, "fr")
    classified = after(one, classification.classify(one, Marks(language="en")))

    assert (one.language, one.is_language_told, again.language) == ("de", True, "fr")
    assert classification.hear_language(classified, "fr").language == "en"


def test_only_a_language_that_somebody_classified_holds_for_later_conversations() -> None:
    one = told_by_its_channel("de")
    (tier,) = classification.classify(one, Marks(tier="vip", language="de"))
    (language,) = classification.classify(one, Marks(language="en"))

    assert (after_customer(joan(one), tier).tier, after_customer(joan(one), tier).language) == ("vip", "")
    assert after_customer(joan(one), language).language == "en"
    assert after(one, [tier]).is_language_told


def test_who_was_named_holds_for_one_conversation_or_for_the_later_ones_too_and_can_be_taken_back() -> None:
    one = a_waiting_conversation()

    (named,) = classification.prefer(one, MEI, later_too=False, reason="knows the case")
    (for_good,) = classification.prefer(after(one, [named]), MEI, later_too=True, reason="account manager")
    (taken_back,) = classification.prefer(after(one, [named]), None, later_too=True, reason="")

    assert named == AgentPreferred(conversation_id=one.id, agent_id=MEI, queue_id=QUEUE, reason="knows the case")
    assert classification.prefer(after(one, [named]), MEI, later_too=False, reason="again") == []
    assert classification.prefer(one, None, later_too=False, reason="") == []
    assert after_customer(joan(one), named).preferred_agent_id is None
    assert after_customer(joan(one), for_good).preferred_agent_id == MEI
    assert after_customer(joan(one), for_good, taken_back).preferred_agent_id is None
    assert after(one, [named, taken_back]).preferred_agent_id is None


def test_a_language_that_its_channel_tells_in_between_counts_while_it_waits_and_for_nothing_else() -> None:
    one = told_by_its_channel("de")

    (told,) = classification.tell_language(one, "fr")

    assert told == ConversationClassified(
        conversation_id=one.id, marks=Marks(language="fr"), queue_id=QUEUE, is_told=True
    )
    changed = after(one, [told])
    assert (changed.language, changed.is_language_told) == ("fr", True)
    assert after_customer(joan(one), told).language == "", "later conversations hear it from their own channel"
    assert classification.tell_language(changed, "fr") == []
    assert classification.hear_language(changed, "it").language == "it"


def test_nothing_is_told_of_a_language_where_a_person_has_said_one_or_nothing_waits() -> None:
    one = told_by_its_channel("de")
    classified = after(one, classification.classify(one, Marks(language="en")))

    assert classification.tell_language(classified, "fr") == []
    assert classification.tell_language(an_open_conversation(), "fr") == []
    assert classification.tell_language(one, "") == []


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


def test_a_language_that_was_given_up_stays_known_and_is_asked_for_no_longer() -> None:
    before = a_waiting_conversation()
    one = after(before, classification.classify(before, Marks(language="zh")))

    _, enqueued = classification.overflow(one, CALL_BACK, queue_id=QUEUE, at=NOON, gave_up="lang:zh")

    assert isinstance(enqueued, ConversationEnqueued)
    assert (enqueued.language, enqueued.skills) == ("zh", {"lang:zh": 0})


def test_what_was_handed_on_by_a_person_keeps_its_promise() -> None:
    one, overflowed = an_overflown_conversation()
    one = after(one, assignment.transfer(one, to_queue_id=QUEUE))

    one = after(one, assignment.enqueue(one, queue_id=QUEUE, at=IN_A_MINUTE, due_at=one.due_at))

    assert classification.tell_promise(one, overflowed, message_id="message-1", at=IN_A_MINUTE) != []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("zh", "zh"),
        ("zh-Hant-HK", "zh"),
        ("PT-br", "pt-BR"),
        ("pt", ""),
        ("fi", ""),
        ("", ""),
        ("-", ""),
    ],
)
def test_a_language_finds_itself_or_what_is_left_of_it(asked: str, found: str) -> None:
    assert nearest(asked, ("zh", "pt-BR", "de")) == found


@pytest.mark.parametrize(("text", "is_tag"), [("de", True), ("zh-Hant-HK", True), ("chinese", False), ("d", False)])
def test_a_tag_is_told_from_other_words(text: str, *, is_tag: bool) -> None:
    assert bool(TAG.fullmatch(text)) == is_tag
