"""Instagram: what it tells in other ways than Messenger."""

import json
from typing import Any

import pytest

from channels import instagram
from channels.edge.payload import Delivery
from domain.intake import InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from tests.channels.messenger.samples import CDN, PAGE, PERSON, attached, delivery, echo, event
from tests.channels.posted import an_account, posted

ACCOUNT = an_account("instagram", PAGE, app_secret="s", verify_token="v")
SHARED = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=x"


def parsed(payload: dict[str, Any]) -> Delivery:
    return instagram.parse(ACCOUNT, posted(json.dumps(payload).encode()))


def only_message(one: dict[str, Any]) -> InboundMessage:
    ((address, message),) = parsed(delivery(one, of="instagram")).messages
    assert (address, message.handle) == (PAGE, PERSON)
    return message


def test_an_unsend_has_the_id_of_its_message_and_a_claim_of_its_own() -> None:
    said = only_message(event(message={"mid": "m_1", "text": "Hello"}))

    unsent = only_message(event(message={"mid": "m_1", "is_deleted": True}))

    assert unsent.content == Content(kind=ContentKind.UNSEND, about="m_1")
    assert (unsent.kind, said.kind) == ("unsend", "message")


@pytest.mark.parametrize(
    ("one", "content"),
    [
        (
            event(message={"mid": "m_7", "text": "Lovely", "reply_to": {"story": {"url": CDN, "id": "178"}}}),
            Content(text="Lovely", attachments=(Attachment(reference=CDN),), referral="story 178"),
        ),
        (
            attached("share", url=SHARED),
            Content(text="Shared a post", attachments=(Attachment(reference=SHARED),)),
        ),
        (
            attached("story_mention", url=SHARED),
            Content(text="Mentioned us in a story", attachments=(Attachment(reference=SHARED),)),
        ),
        (
            attached("ig_reel", reel_video_id="9", title="Reel", url=CDN),
            Content(text="Shared a reel\nReel", attachments=(Attachment(reference=CDN),)),
        ),
        (
            attached("ig_post", url="https://www.instagram.com/p/1/"),
            Content(text="Shared a post\nhttps://www.instagram.com/p/1/"),
        ),
        (
            event(message={"mid": "m_8", "attachments": [{"type": "like_heart"}]}),
            Content(kind=ContentKind.STICKER, text="❤️"),
        ),
        (
            event(message={"mid": "m_6", "is_unsupported": True}),
            Content(
                kind=ContentKind.UNSUPPORTED,
                text="This kind of Instagram message cannot be shown: it was sent without what it says",
            ),
        ),
    ],
)
def test_stories_shares_likes_and_unsupported_kinds_are_shown(one: dict[str, Any], content: Content) -> None:
    assert only_message(one).content == content


def test_a_message_that_was_seen_is_named_by_its_id() -> None:
    ((_, report),) = parsed(delivery(event(read={"mid": "m_e"}), of="instagram")).reports

    assert (report.status, report.provider_id, report.upto) == (DeliveryStatus.READ, "m_e", None)


def test_an_echo_among_the_plain_messages_is_not_taken_for_a_customers() -> None:
    found = parsed(delivery(echo(text="Hi"), of="instagram"))

    assert [one.handle for _, one in found.echoes] == [PERSON]
    assert found.messages == []


def test_what_comes_as_a_change_is_read_like_any_event() -> None:
    value = event(message={"mid": "m_1", "text": "Hello"})
    payload = {
        "object": "instagram",
        "entry": [{"id": PAGE, "changes": [{"field": "messages", "value": value}, {"field": "comments", "value": {}}]}],
    }

    as_entry = {"object": "instagram", "entry": [{"id": PAGE, "time": 1, "field": "messages", "value": value}]}

    found = parsed(payload)

    assert [one.content.text for _, one in found.messages] == ["Hello"]
    assert found.ignored == ["change:comments"]
    assert parsed(as_entry).messages == found.messages
