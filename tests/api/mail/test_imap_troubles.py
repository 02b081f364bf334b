"""The IMAP door on a server that fails: nothing is passed over in silence, and nothing holds up what comes behind."""

import pytest
from typing_extensions import override

from domain.interaction import ContentKind
from infrastructure.mail.imap_mailbox import ImapMailbox, MailboxUnreachable
from tests.api.deployment import Caller, Deployment
from tests.api.mail.dovecot import PASSWORD, Dovecot
from tests.api.mail.scripted_imap import ScriptedMailbox, serving
from tests.api.mail.situations import a_mail, a_mailbox, stored, wait_for
from tests.api.situations import Shop
from tests.waiting import wait_until

TABLE = "SELECT last_uid, left_uids FROM onethread_mail_folders WHERE account_id = %s"


def positions(deployment: Deployment, shop: Shop) -> list[tuple[int, list[int]]]:
    """Last UID and what was left, of each folder."""
    return [(row[0], row[1]) for row in deployment.run(deployment.parts.log.pool.execute(TABLE, (shop.account_id,)))]


def test_a_mail_that_the_server_does_not_give_is_told_and_kept_in_mind(
    mail_deployment: Deployment, mail_administrator: Caller
) -> None:
    script = ScriptedMailbox({1: a_mail(1), 2: a_mail(2), 3: a_mail(3)}, unreadable={2})
    with serving(script):
        shop, _ = a_mailbox(mail_deployment, mail_administrator, **script.settings())

        wait_for(mail_deployment, shop, "1", "2", "3")
        wait_until(lambda: positions(mail_deployment, shop) == [(3, [2])], what="the mail is kept in mind")

    told = {one.provider_id: one.content for one in stored(mail_deployment, shop.account_id)}["<2@example.org>"]
    assert (told.kind, told.text[:63]) == (
        ContentKind.UNSUPPORTED,
        "A mail came that the mail server does not give out. It is still",
    )


def test_a_connection_that_breaks_off_in_the_midst_is_made_again_and_goes_on(
    mail_deployment: Deployment, mail_administrator: Caller
) -> None:
    script = ScriptedMailbox({uid: a_mail(uid) for uid in (5, 7, 4_000_000_000)}, drops_at={7, 4_000_000_000})
    with serving(script):
        shop, _ = a_mailbox(mail_deployment, mail_administrator, **script.settings())

        wait_for(mail_deployment, shop, "5", "7", "4000000000")
        wait_until(lambda: positions(mail_deployment, shop) == [(4_000_000_000, [])], what="the position follows")

    assert script.connections >= 3


@pytest.mark.parametrize("has_idle", [True, False])
def test_new_mail_is_found_by_looking_where_the_server_tells_nothing(
    mail_deployment: Deployment, mail_administrator: Caller, *, has_idle: bool
) -> None:
    script = ScriptedMailbox({1: a_mail(1)}, has_idle=has_idle)
    with serving(script):
        shop, _ = a_mailbox(mail_deployment, mail_administrator, **script.settings())
        wait_for(mail_deployment, shop, "1")

        script.mails[2] = a_mail(2)

        wait_for(mail_deployment, shop, "1", "2")


def test_a_mail_that_vanishes_before_it_is_fetched_is_no_trouble(
    mail_deployment: Deployment, mail_administrator: Caller
) -> None:
    class Vanishing(ScriptedMailbox):
        @override
        def fetched(self, tag: bytes, which: bytes, parts: bytes) -> bytes | None:
            return tag + b" OK done\r\n" if which == b"2" else super().fetched(tag, which, parts)

    with serving(Vanishing({1: a_mail(1), 2: a_mail(2), 3: a_mail(3)})) as script:
        shop, _ = a_mailbox(mail_deployment, mail_administrator, **script.settings())

        wait_for(mail_deployment, shop, "1", "3")
        wait_until(lambda: positions(mail_deployment, shop) == [(3, [])], what="the position follows")


def connected(dovecot: Dovecot, security: str) -> ImapMailbox:
    port = dovecot.tls_port if security == "tls" else dovecot.port
    mailbox = ImapMailbox(
        host="127.0.0.1", port=port, user="tls", passwords=[PASSWORD], security=security, timeout_seconds=10
    )
    mailbox.connect()
    return mailbox


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_mailbox_is_read_encrypted_and_only_where_somebody_vouches_for_the_server(
    security: str, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver("tls", a_mail(security))

    with pytest.raises(MailboxUnreachable, match=r"(?i)certificate"):
        connected(dovecot, security)

    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    mailbox = connected(dovecot, security)
    mailbox.open("INBOX")
    newest = mailbox.after(0)[-1]
    assert mailbox.raw(newest.uid) == a_mail(security)
    mailbox.close()
