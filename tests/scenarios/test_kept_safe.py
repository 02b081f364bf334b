"""What must never be stored: card numbers are masked before the log has them, whichever way they come in."""

import json
import secrets
from typing import Any

import msgspec
import psycopg

from tests.api.deployment import Caller, Deployment
from tests.api.situations import a_shop
from tests.scenarios.screens import a_desk, a_visitor
from tests.scenarios.situations import (
    a_chat,
    a_mail,
    a_number,
    another_account,
    mail_settings,
    publishes,
    whatsapp_settings,
    writes_a_mail,
    writes_on_whatsapp,
)

CARD = "4111 1111 1111 1111"
MASKED = "4111 11** **** 1111"
CHARGED = f"My card {CARD} was charged twice!"


def stored(deployment: Deployment, after: int) -> str:
    """Every event after the position, decrypted, as one text."""

    async def read() -> list[Any]:
        found, position, head = [], after, await deployment.parts.log.head()
        while position < head:
            events, position = await deployment.parts.log.read(position, 1_000)
            found += [msgspec.to_builtins(one.event) for one in events]
        return found

    return json.dumps(deployment.run(read()), ensure_ascii=False)


def digits(text: str) -> str:
    return "".join(one for one in text if one.isdigit())


def test_card_numbers_are_masked_on_every_way_in(deployment: Deployment, administrator: Caller) -> None:
    before = deployment.run(deployment.parts.log.head())
    whatsapp = a_shop(deployment, administrator, "whatsapp", **whatsapp_settings())
    mailbox, phone = another_account(whatsapp, "email", **mail_settings(25)), another_account(whatsapp, "phone")
    adapter, chat = another_account(whatsapp, "adapter"), a_chat(deployment, administrator)

    writes_on_whatsapp(whatsapp, a_number(), CHARGED)
    mail = a_mail(mailbox, "ana@mail.example", CHARGED, subject=f"Card {CARD}")
    mail.add_alternative(f"<p>My card <b>4111</b> 1111 1111 1111 was charged</p><!-- {CARD} -->", subtype="html")
    writes_a_mail(mailbox, mail)
    adapter.bring("ana", CHARGED)
    markup = {"content": {"text": "See below", "html": f"<p>{CARD}</p>"}}
    message = {"account": adapter.account_id, "message_id": secrets.token_hex(4), "handle": "ana"} | markup
    adapter.adapter.done(f"/v1/accounts/{adapter.account_id}/messages", message)
    publishes(adapter, "ben", CHARGED, "by-nats")
    with a_visitor(chat) as visitor, a_desk(chat) as desk:
        visitor.says(CHARGED)
        card = desk.accepts(desk.sees("offered"))
        desk.does(card, "reply", {"text": f"Is it {CARD}?"})
        desk.does(card, "note", {"text": f"Theirs is {CARD}"})
        call = {"call_id": secrets.token_hex(4), "number": a_number(), "note": f"Read out {CARD}"}
        desk.agent.done(f"/v1/phone/{phone.account_id}/calls", call)
    last = adapter.bring("ben", CHARGED, message_id="by-nats")
    deployment.known(last["position"])

    found = stored(deployment, before)
    assert CARD not in found
    assert "4111111111111111" not in digits(found)
    assert found.count(MASKED) >= 8


def test_what_people_say_is_not_readable_in_the_database(deployment: Deployment, administrator: Caller) -> None:
    shop = a_shop(deployment, administrator)
    telltale = f"telltale-{secrets.token_hex(8)}"

    taken = shop.bring(f"handle-{telltale}", f"text-{telltale}", message_id=f"id-{telltale}")

    assert telltale in stored(deployment, 0)
    with psycopg.connect(deployment.parts.settings.database_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'onethread_%'").fetchall()
        found = {
            table: connection.execute(
                psycopg.sql.SQL("SELECT count(*) FROM {table} t WHERE t::text LIKE %s").format(
                    table=psycopg.sql.Identifier(table)
                ),
                [f"%{telltale}%"],
            ).fetchall()
            for (table,) in tables
            if table in ("onethread_events", "onethread_claims", "onethread_stream_keys", "onethread_snapshots")
        }
    assert taken["position"]
    assert found
    assert {count for rows in found.values() for (count,) in rows} == {0}
