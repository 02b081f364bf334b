"""Mail from another address than the customer's: our token or Message-ID in it brings it into the conversation, as who
they are, and a person may give it back to them.
"""

from typing import Any

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.reading.mailing import FORGED_KEY, KEY, MX, bring, entries, give_back, our_id_of, somebody, token_of
from tests.api.situations import Shop, a_shop


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"token_key": KEY, "authserv_id": MX}
    return a_shop(deployment, administrator, channel="email", address="parts@shop.example", settings=settings)


@pytest.mark.parametrize("proof", [token_of, our_id_of])
def test_whoever_was_given_our_mail_joins_and_is_shown_as_somebody_else(
    mailbox: Shop, supervisor: Caller, proof: Any
) -> None:
    ana, bob = bring(mailbox, somebody()), somebody("Bob")

    taken, later = bring(mailbox, bob, proof(ana)), bring(mailbox, bob)

    assert [taken[name] for name in ("customer_id", "conversation_id")] == [ana["customer_id"], ana["conversation_id"]]
    shown = entries(supervisor, ana, later["position"])[taken["position"]]["event"]
    assert (f"Bob <{shown['handle']}>", shown["author"], shown["is_participant"]) == (bob, "Bob", True)
    card = supervisor.shown(f"/v1/conversations/{ana['conversation_id']}", params={"min_position": later["position"]})
    assert card["conversation"]["handle"].startswith("ana.")
    assert (card["customer_name"], card["last_by"], card["messages"]) == ("Ana", "participant", 2)
    assert later["customer_id"] != ana["customer_id"], "their address is not the customer's"


def test_without_a_proof_of_ours_a_stranger_begins_a_conversation_of_their_own(mailbox: Shop) -> None:
    ana = bring(mailbox, somebody())
    lines = ("References: <first@x>", token_of(ana, FORGED_KEY), our_id_of(ana, FORGED_KEY), "X-Nothing: 1")

    strangers = [bring(mailbox, somebody("Eve"), line) for line in lines]

    assert ana["customer_id"] not in {one["customer_id"] for one in strangers}
    assert len({one["conversation_id"] for one in strangers}) == len(lines)


def test_a_from_that_our_server_disproved_is_marked_and_joins_nobody_elses_conversation(
    mailbox: Shop, supervisor: Caller
) -> None:
    name = somebody()
    ana = bring(mailbox, name, dmarc="pass")

    forged = bring(mailbox, somebody("Bob"), token_of(ana), dmarc="fail")
    own = bring(mailbox, name, token_of(ana), dmarc="fail")

    assert forged["customer_id"] != ana["customer_id"]
    assert entries(supervisor, forged, own["position"])[forged["position"]]["event"]["dmarc"] == "fail"
    assert own["conversation_id"] == ana["conversation_id"], "a failure lowers trust, and tears nothing apart"
    shown = entries(supervisor, ana, own["position"])
    assert [shown[one["position"]]["event"]["dmarc"] for one in (ana, own)] == ["pass", "fail"]


@pytest.mark.parametrize("is_known", [True, False])
def test_given_back_the_mail_is_its_writers_own_and_its_words_are_shown_only_there(
    mailbox: Shop, supervisor: Caller, *, is_known: bool
) -> None:
    ana, bob = bring(mailbox, somebody()), somebody("Bob")
    before = bring(mailbox, bob) if is_known else {}
    taken = bring(mailbox, bob, token_of(ana))

    stands, again = (give_back(supervisor, taken, key=f"give-{taken['message_id']}") for _ in range(2))
    later = bring(mailbox, bob, token_of(ana))

    assert again == stands
    assert stands["customer_id"] == later["customer_id"] == before.get("customer_id", later["customer_id"])
    assert ana["customer_id"] != stands["customer_id"]
    left = entries(supervisor, ana, later["position"])[taken["position"]]
    assert (left["moved_to_customer"], left["event"]["content"]) == (stands["customer_id"], {})
    (theirs,) = (
        one["event"]
        for one in entries(supervisor, stands, later["position"]).values()
        if one["event"]["message_id"] == taken["message_id"]
    )
    assert theirs["content"]["text"] == f"Said by {bob}"
    assert (theirs["conversation_id"], theirs["joined_by"]) == (stands["conversation_id"], "by_hand")
    card = supervisor.shown(
        f"/v1/conversations/{stands['conversation_id']}", params={"min_position": later["position"]}
    )
    assert (card["customer_id"], card["conversation"]["status"]) == (stands["customer_id"], "waiting")


def test_of_two_mails_of_one_id_only_the_one_that_is_given_back_is_silent(mailbox: Shop, supervisor: Caller) -> None:
    ana = bring(mailbox, somebody(), number="taken.twice")
    taken = bring(mailbox, somebody("Bob"), token_of(ana), number="taken.twice")

    stands = give_back(supervisor, taken)

    shown = entries(supervisor, ana, stands["position"])
    assert "Said by Ana" in shown[ana["position"]]["event"]["content"]["text"]
    assert shown[taken["position"]]["event"]["content"] == {}


def test_whoever_turned_out_to_be_the_customer_stays_with_them(mailbox: Shop, supervisor: Caller) -> None:
    ana, bob = bring(mailbox, somebody()), somebody("Bob")
    taken, address = bring(mailbox, bob, token_of(ana)), bob.partition("<")[2].rstrip(">")
    linked = {"identities": [{"channel": "email", "handle": address}]}
    supervisor.done(f"/v1/customers/{ana['customer_id']}/identities", linked)

    apart = give_back(supervisor, taken)

    assert apart["customer_id"] == ana["customer_id"]
    wanted = {"min_position": apart["position"]}
    card = supervisor.shown(f"/v1/conversations/{apart['conversation_id']}", params=wanted)
    assert (card["conversation"]["handle"], card["messages"]) == (address, 1)


def test_what_was_taken_out_or_given_back_is_found_again_by_its_own_token(mailbox: Shop, supervisor: Caller) -> None:
    ana, bob = bring(mailbox, somebody()), somebody("Bob")
    apart = give_back(supervisor, bring(mailbox, bob, token_of(ana)))

    carla = bring(mailbox, somebody("Carla"), token_of(apart))

    assert (carla["customer_id"], carla["conversation_id"]) == (apart["customer_id"], apart["conversation_id"])


def test_the_same_mail_again_joins_once_and_others_of_its_id_join_too(mailbox: Shop) -> None:
    ana, sender = bring(mailbox, somebody()), somebody("Bob")

    first, again = (bring(mailbox, sender, token_of(ana), number="the.same") for _ in range(2))
    other, twice = (bring(mailbox, somebody("Eve"), token_of(ana), number="the.same") for _ in range(2))

    assert again == first
    assert {one["conversation_id"] for one in (first, other, twice)} == {ana["conversation_id"]}
    assert len({one["message_id"] for one in (first, other, twice)}) == 3, "ids are reused"
