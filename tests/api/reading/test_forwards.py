"""What a colleague sends on to a mailbox is of the customer who wrote it, where the colleague is proven and named."""

import secrets

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.reading.mailing import KEY, MX, bring, entries, give_back, somebody, token_of
from tests.api.situations import Shop, a_shop

KIM = "Kim <kim@shop.example>"


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"token_key": KEY, "authserv_id": MX, "forwarders": "kim@shop.example"}
    return a_shop(deployment, administrator, channel="email", address="forwards@shop.example", settings=settings)


def sent_on(customer: str) -> tuple[str, ...]:
    """Header lines, and then the text, of a mail with a customer's mail in it."""
    block = ("---------- Forwarded message ---------", f"From: {customer}", "Date: Sat", "To: Kim", "Subject: Parcel")
    return ("X-Subject: Fwd", "", "Please answer them.", "", *block, "", "Where is my parcel?")


def test_what_a_colleague_sends_on_is_the_customers_and_the_colleague_is_named(
    mailbox: Shop, supervisor: Caller
) -> None:
    name = somebody()
    ana = bring(mailbox, name)

    taken = bring(mailbox, KIM, *sent_on(name), dmarc="pass")

    assert taken["customer_id"] == ana["customer_id"]
    shown = entries(supervisor, ana, taken["position"])[taken["position"]]["event"]
    assert (f"Ana <{shown['handle']}>", shown["author"], shown["claimed"]) == (name, "Ana", "kim@shop.example")
    assert (shown["content"]["is_forwarded"], "kept" in shown["content"]) == (True, False)


@pytest.mark.parametrize(("sender", "dmarc"), [(KIM, ""), (KIM, "fail"), ("Ola <ola@shop.example>", "pass")])
def test_of_anybody_else_it_is_their_own(mailbox: Shop, sender: str, dmarc: str) -> None:
    name = somebody()
    ana, theirs = bring(mailbox, name), bring(mailbox, sender)

    taken = bring(mailbox, sender, *sent_on(name), dmarc=dmarc)

    assert taken["customer_id"] == theirs["customer_id"] != ana["customer_id"]


def test_given_back_it_is_the_colleagues(mailbox: Shop, supervisor: Caller) -> None:
    name = somebody()
    ana, kim = bring(mailbox, name), bring(mailbox, KIM, dmarc="pass")
    taken = bring(mailbox, KIM, *sent_on(name), dmarc="pass")

    stands = give_back(supervisor, taken, key=secrets.token_hex(8))

    assert stands["customer_id"] == kim["customer_id"]
    (copy,) = (
        one["event"]
        for one in entries(supervisor, stands, stands["position"]).values()
        if one["event"]["message_id"] == taken["message_id"]
    )
    assert (copy["handle"], copy["joined_by"]) == ("kim@shop.example", "by_hand")
    left = entries(supervisor, ana, stands["position"])[taken["position"]]
    assert left["moved_to_customer"] == stands["customer_id"]
    card = supervisor.shown(
        f"/v1/conversations/{taken['conversation_id']}", params={"min_position": stands["position"]}
    )
    assert card["conversation"]["status"] == "closed"


def test_a_colleague_in_copy_joins_by_the_token_as_somebody_else(mailbox: Shop, supervisor: Caller) -> None:
    ana = bring(mailbox, somebody())

    taken = bring(mailbox, KIM, token_of(ana), dmarc="pass")

    shown = entries(supervisor, ana, taken["position"])[taken["position"]]["event"]
    assert (taken["conversation_id"], shown["is_participant"]) == (ana["conversation_id"], True)
