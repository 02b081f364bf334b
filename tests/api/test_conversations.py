"""What agents and supervisors do with conversations over HTTP, and what that leads to."""

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_held_conversation, a_shop, an_offered_conversation


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator)


def test_a_message_is_offered_accepted_and_closed(shop: Shop, supervisor: Caller) -> None:
    held = a_held_conversation(shop)

    closed = held.agent.done(f"{held.path}/close", {"disposition": "solved"})
    card = supervisor.shown(f"/v1/conversations/{held.conversation_id}", params={"min_position": closed["position"]})

    assert card["conversation"]["status"] == "closed"
    page = supervisor.shown(held.timeline, params={"min_position": closed["position"]})
    assert [entry["kind"] for entry in page["items"]][:2] == ["conversation.closed", "conversation.offer_accepted"]
    assert page["position"] >= closed["position"]


def test_notes_tags_and_priority_show_in_the_card(shop: Shop) -> None:
    held = a_held_conversation(shop)

    noted = held.agent.post(f"{held.path}/note", {"text": "Called the carrier"})
    held.agent.done(f"{held.path}/tag", {"tag": "late"})
    held.agent.done(f"{held.path}/tag", {"tag": "vip"})
    held.agent.done(f"{held.path}/untag", {"tag": "late"})
    done = held.agent.done(f"{held.path}/set_priority", {"priority": 7})
    card = held.agent.shown(f"/v1/conversations/{held.conversation_id}", params={"min_position": done["position"]})

    assert noted.status_code == 201
    assert noted.json()["note_id"].startswith("note-")
    assert card["conversation"]["tags"] == ["vip"]
    assert card["conversation"]["priority"] == 7


def test_hold_resume_and_wrap_up_lead_through_the_statuses(shop: Shop, supervisor: Caller) -> None:
    held = a_held_conversation(shop)

    statuses = []
    for verb in ("hold", "resume", "wrap_up"):
        done = held.agent.done(f"{held.path}/{verb}")
        card = supervisor.shown(f"/v1/conversations/{held.conversation_id}", params={"min_position": done["position"]})
        statuses.append(card["conversation"]["status"])

    assert statuses == ["on_hold", "assigned", "wrapping"]


def test_a_declined_offer_waits_again(shop: Shop, supervisor: Caller) -> None:
    offered = an_offered_conversation(shop)

    offered.agent.done(f"{offered.path}/offers/{offered.offer_id}/decline", {"reason": "not mine"})
    again = offered.agent.post(f"{offered.path}/offers/{offered.offer_id}/accept")

    assert again.status_code == 409
    assert again.json()["type"] == "/problems/offer-gone"


def test_a_supervisor_transfers_closes_and_reopens(shop: Shop, supervisor: Caller) -> None:
    held, other = a_held_conversation(shop), shop.agent()

    supervisor.done(f"{held.path}/transfer", {"to_agent_id": other.agent_id, "reason": "knows it"})
    supervisor.done(f"{held.path}/close", {"disposition": "done"})
    reopened = supervisor.done(f"{held.path}/reopen")
    card = supervisor.shown(f"/v1/conversations/{held.conversation_id}", params={"min_position": reopened["position"]})

    assert card["conversation"]["status"] in ("waiting", "offered")


def test_an_unknown_queue_is_no_place_to_transfer_to(shop: Shop, supervisor: Caller) -> None:
    held = a_held_conversation(shop)

    answer = supervisor.post(f"{held.path}/transfer", {"to_queue_id": "queue-" + "0" * 32})
    both = supervisor.post(f"{held.path}/transfer", {"to_queue_id": shop.queue_id, "to_agent_id": held.agent.agent_id})

    assert answer.status_code == 404
    assert both.status_code == 400


def test_an_answer_on_a_channel_without_replies_is_refused(shop: Shop) -> None:
    held = a_held_conversation(shop)

    answer = held.agent.post(f"{held.path}/reply", {"text": "On its way"})

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/channel-takes-no-replies"
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_stale_if_match_is_refused_and_the_current_one_is_not(shop: Shop) -> None:
    held = a_held_conversation(shop)
    noted = held.agent.done(f"{held.path}/note", {"text": "one"})
    read = held.agent.get(f"/v1/conversations/{held.conversation_id}", params={"min_position": noted["position"]})
    etag = read.headers["etag"]

    first = held.agent.post(f"{held.path}/note", {"text": "two"}, headers={"If-Match": etag})
    second = held.agent.post(f"{held.path}/note", {"text": "three"}, headers={"If-Match": etag})

    assert first.status_code == 201
    assert second.status_code == 412
    assert second.json()["type"] == "/problems/revision-stale"


@pytest.mark.parametrize(
    ("if_match", "status"),
    [('W/"1"', 412), ('"not-a-revision"', 412), ("999", 412), ("x", 400), ('"1", "2"', 400), ('"1', 400), ("*", 201)],
)
def test_odd_entity_tags_are_told_apart(shop: Shop, supervisor: Caller, if_match: str, status: int) -> None:
    taken = shop.bring("somebody")
    path = f"/v1/customers/{taken['customer_id']}/conversations/{taken['conversation_id']}/note"

    answer = supervisor.post(path, {"text": "note"}, headers={"If-Match": if_match})

    assert answer.status_code == status, answer.text
    assert " -1" not in answer.text


def test_an_unchanged_conversation_is_not_sent_again(shop: Shop, supervisor: Caller) -> None:
    taken = shop.bring("somebody else")
    path, fresh = f"/v1/conversations/{taken['conversation_id']}", {"min_position": taken["position"]}
    etag = supervisor.get(path, params=fresh).headers["etag"]

    same = supervisor.get(path, headers={"If-None-Match": f'W/{etag}, "999"'})
    other = supervisor.get(path, headers={"If-None-Match": '"999"'})

    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == 200


def test_pages_lead_on_by_their_cursor(shop: Shop, supervisor: Caller) -> None:
    positions = [shop.bring("a talker", f"line {number}")["position"] for number in range(5)]
    customer_id = shop.bring("a talker")["customer_id"]

    path, seen = f"/v1/customers/{customer_id}/timeline", []
    query: dict[str, str | int] = {"limit": 2, "clock": "recorded", "min_position": positions[-1]}
    while True:
        page = supervisor.shown(path, params=query)
        seen += [entry["position"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert seen == sorted(seen, reverse=True)
    assert set(positions) <= set(seen)
