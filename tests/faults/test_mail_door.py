"""Mail that was acknowledged, or lies in a mailbox, is stored once, though PostgreSQL is killed while it comes in."""

import smtplib
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from api.key_file import new_key
from domain.person import Role
from infrastructure.embedded.servers import Servers, embedded_servers
from tests.api.deployment import a_deployment
from tests.api.mail.scripted_imap import ScriptedMailbox, serving
from tests.api.mail.situations import a_mail, a_mailbox, ids, wait_for
from tests.databases import an_empty_database
from tests.faults.embedded import a_directory
from tests.waiting import wait_until

MAILS = 120
SENDERS = 4
TRIES_MAX = 200
ANY_PORT = "127.0.0.1:0"


@pytest.fixture(scope="module")
def mortal() -> Iterator[Servers]:
    """A PostgreSQL of our own, so that killing it disturbs nobody."""
    with a_directory() as directory, embedded_servers(directory) as servers:
        yield servers


@dataclass
class MailServer:
    """Hands mail in until each is acknowledged, as a mail server does with its queue."""

    port: int
    address: str
    mortal: Servers
    acknowledged: list[str] = field(default_factory=list)
    put_off: int = 0
    is_killed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def deliver(self, numbers: range) -> None:
        with smtplib.LMTP("127.0.0.1", self.port) as client:
            for number in numbers:
                self.deliver_one(client, str(number))

    def deliver_one(self, client: smtplib.LMTP, number: str) -> None:
        for _ in range(TRIES_MAX):
            client.ehlo_or_helo_if_needed()
            client.mail("ana@example.org")
            assert client.rcpt(self.address)[0] == 250
            code, answer = client.data(a_mail(number))
            if code == 250:
                self.note(number)
                return
            assert code == 451, (code, answer)
            self.put_off += 1
            client.rset()
        pytest.fail(f"mail {number} was put off {TRIES_MAX} times")

    def note(self, number: str) -> None:
        with self.lock:
            self.acknowledged.append(number)
            is_time = len(self.acknowledged) >= MAILS // 3 and not self.is_killed
            self.is_killed = self.is_killed or is_time
        if is_time:
            self.mortal.kill_postgres()


def test_what_is_acknowledged_survives_the_death_of_postgresql_and_is_stored_once(mortal: Servers) -> None:
    addresses = mortal.addresses
    with (
        an_empty_database(addresses.database_url) as database_url,
        a_deployment(database_url, addresses.nats_url, lmtp_listen=ANY_PORT) as deployment,
    ):
        shop, address = a_mailbox(deployment, deployment.person(Role.ADMINISTRATOR))
        port = deployment.parts.ports["lmtp"]
        server = MailServer(port, address, mortal)
        senders = [
            threading.Thread(target=server.deliver, args=(range(start, MAILS, SENDERS),)) for start in range(SENDERS)
        ]

        for one in senders:
            one.start()
        for one in senders:
            one.join(120)

        assert server.is_killed
        assert sorted(server.acknowledged, key=int) == [str(number) for number in range(MAILS)]
        assert sorted(ids(deployment, shop), key=int) == [str(number) for number in range(MAILS)]


def test_a_mailbox_is_read_to_its_end_though_postgresql_dies_meanwhile(mortal: Servers) -> None:
    script = ScriptedMailbox({uid: a_mail(uid) for uid in range(1, 201)})
    script_ids = [str(uid) for uid in script.mails]
    addresses = mortal.addresses
    with (
        an_empty_database(addresses.database_url) as database_url,
        a_deployment(database_url, addresses.nats_url) as deployment,
        serving(script),
    ):
        shop, _ = a_mailbox(deployment, deployment.person(Role.ADMINISTRATOR), **script.settings())
        received = deployment.parts.metrics.received.labels("email")
        wait_until(lambda: received._value.get() > 60, what="mail is coming in")

        mortal.kill_postgres()

        # What was durable when its answer was lost is a repeat, and not counted a second time.
        wait_until(lambda: received._value.get() >= 199, what="all of it was taken", seconds_max=60)
        wait_for(deployment, shop, *script_ids)
        assert ids(deployment, shop) == script_ids


def test_a_stop_in_the_midst_of_it_leaves_everything_acknowledged_stored(mortal: Servers) -> None:
    addresses, acknowledged = mortal.addresses, []
    keys: dict[str, Any] = {"master_keys": (new_key(),), "claim_key": new_key(), "token_key": new_key()}

    def deliver(port: int, address: str) -> None:
        with suppress(smtplib.SMTPException, OSError), smtplib.LMTP("127.0.0.1", port, timeout=30) as client:
            for number in count():
                client.sendmail("ana@example.org", [address], a_mail(number))
                acknowledged.append(str(number))

    with an_empty_database(addresses.database_url) as database_url:
        with a_deployment(database_url, addresses.nats_url, lmtp_listen=ANY_PORT, **keys) as deployment:
            shop, address = a_mailbox(deployment, deployment.person(Role.ADMINISTRATOR))
            port = deployment.parts.ports["lmtp"]
            sender = threading.Thread(target=deliver, args=(port, address))
            sender.start()
            wait_until(lambda: len(acknowledged) > 20, what="mail is coming in")
        sender.join(30)

        with a_deployment(database_url, addresses.nats_url, **keys) as again:
            found = ids(again, shop)

    assert found[: len(acknowledged)] == acknowledged
    assert len(found) - len(acknowledged) <= 1, "at most the last answer was lost, and that mail comes again"
