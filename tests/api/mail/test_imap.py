"""The IMAP door, on a real server: what is in a mailbox is stored once, and the mailbox stays as it was."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from domain.interaction import ContentKind
from tests.api.deployment import Caller, Deployment
from tests.api.mail.conftest import MAIL_BYTES_MAX
from tests.api.mail.dovecot import Dovecot
from tests.api.mail.situations import TOKEN_KEY, a_mail, a_mailbox, ids, stored, wait_for
from tests.api.situations import Shop
from tests.waiting import wait_until


def redefined(administrator: Caller, shop: Shop, address: str, settings: dict[str, str]) -> None:
    administrator.done(
        f"/v1/accounts/{shop.account_id}/define",
        {
            "channel": "email",
            "name": "Changed",
            "queue_id": shop.queue_id,
            "address": address,
            "settings": {"token_key": TOKEN_KEY} | settings,
        },
    )


@contextmanager
def a_server_that_hangs() -> Iterator[int]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_what_is_in_a_mailbox_is_stored_in_order_and_stays_unseen(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("order", *(a_mail(number) for number in range(60)))

    shop, _ = a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("order"))

    wait_for(mail_deployment, shop, *(str(number) for number in range(60)))
    assert ids(mail_deployment, shop) == [str(number) for number in range(60)]
    with dovecot.opened("order") as mailbox:
        assert not any("\\Seen" in one.flags for one in mailbox.fetch(mark_seen=False))


def test_a_new_mail_comes_by_idle_long_before_the_next_poll(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("idle", a_mail(1))
    shop, _ = a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("idle", imap_poll_seconds="1680"))
    wait_for(mail_deployment, shop, "1")

    dovecot.deliver("idle", a_mail(2))

    wait_for(mail_deployment, shop, "1", "2")


def test_a_mail_that_people_have_read_is_taken_all_the_same(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("seen", a_mail(1), a_mail(2))
    with dovecot.opened("seen") as mailbox:
        mailbox.flag("1:*", "\\Seen", value=True)

    shop, _ = a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("seen"))

    wait_for(mail_deployment, shop, "1", "2")


def test_a_mailbox_that_is_numbered_anew_doubles_nothing_and_loses_nothing(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("anew", *(a_mail(number) for number in range(3)))
    shop, _ = a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("anew", imap_poll_seconds="1"))
    wait_for(mail_deployment, shop, "0", "1", "2")

    mail_administrator.done(f"/v1/accounts/{shop.account_id}/pause", {})
    dovecot.number_anew("anew")
    dovecot.deliver("anew", a_mail(3))
    mail_administrator.done(f"/v1/accounts/{shop.account_id}/resume")

    wait_for(mail_deployment, shop, "0", "1", "2", "3")


def test_broken_and_huge_mail_is_shown_and_holds_nothing_up(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    huge = a_mail("huge", "x" * 70 + "\r\n" * MAIL_BYTES_MAX)
    broken = b"From: \xff\xfe <>\r\nMessage-ID: <broken@example.org>\r\nContent-Type: multipart/mixed\r\n\r\n\x80\r\n"
    dovecot.deliver("broken", a_mail(1), broken, huge, a_mail(2))

    shop, _ = a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("broken"))

    wait_for(mail_deployment, shop, "1", "broken", "huge", "2")
    (told,) = (one for one in stored(mail_deployment, shop.account_id) if one.provider_id == "<huge@example.org>")
    assert (told.content.kind, told.handle, told.subject) == (
        ContentKind.UNSUPPORTED,
        "ana@example.org",
        "Parcel huge",
    )
    assert told.content.text.startswith("A mail of 0.1 MB came, which is more than the 0.1 MB that are taken in.")


def test_an_id_that_comes_again_with_other_content_is_another_mail(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("reused", a_mail(1), a_mail(1, "Something else"), a_mail(2))

    shop, _ = a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("reused"))

    wait_for(mail_deployment, shop, "1", "1", "2")
    said = sorted(one.content.text.strip() for one in stored(mail_deployment, shop.account_id))
    assert said == ["Something else", "Where is my parcel?", "Where is my parcel?"]


def test_several_folders_are_read_and_one_that_is_missing_is_left_out(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("folders", a_mail(1))
    dovecot.deliver("folders", a_mail(2), folder="Büro")

    settings = dovecot.settings("folders", imap_folders="INBOX, Missing, Büro")
    shop, _ = a_mailbox(mail_deployment, mail_administrator, **settings)

    wait_for(mail_deployment, shop, "1", "2")


def test_old_mail_is_left_where_the_account_says_so(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("old", a_mail("old"))
    shop, _ = a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("old", imap_old_mail="leave"))
    table = "SELECT last_uid FROM onethread_mail_folders WHERE account_id = %s"

    def last_uids() -> list[int]:
        return [
            row[0] for row in mail_deployment.run(mail_deployment.parts.log.pool.execute(table, (shop.account_id,)))
        ]

    wait_until(lambda: last_uids() == [1], what="the position is behind the old mail")
    dovecot.deliver("old", a_mail("new"))

    wait_for(mail_deployment, shop, "new")
    wait_until(lambda: last_uids() == [2], what="the position is behind the new mail")


def test_a_paused_mailbox_is_not_read_until_it_is_resumed(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("paused", a_mail(1))
    dovecot.deliver("other", a_mail(1))
    settings = dovecot.settings("paused", imap_poll_seconds="1")
    shop, _ = a_mailbox(mail_deployment, mail_administrator, **settings)
    wait_for(mail_deployment, shop, "1")
    mail_administrator.done(f"/v1/accounts/{shop.account_id}/pause", {})

    dovecot.deliver("paused", a_mail(2))
    other, _ = a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("other"))
    wait_for(mail_deployment, other, "1")  # meanwhile the door has looked at all accounts

    assert ids(mail_deployment, shop) == ["1"]
    mail_administrator.done(f"/v1/accounts/{shop.account_id}/resume")
    wait_for(mail_deployment, shop, "1", "2")


def test_a_server_that_hangs_or_is_not_there_holds_up_no_other_mailbox(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("well", a_mail(1))
    with a_server_that_hangs() as port:
        for user in ("hangs", "hangs too", "hangs as well"):
            settings = dovecot.settings(user, imap_port=str(port), imap_timeout_seconds="5")
            a_mailbox(mail_deployment, mail_administrator, **settings)
        a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("absent", imap_port="1"))

        shop, _ = a_mailbox(mail_deployment, mail_administrator, **dovecot.settings("well"))

        wait_for(mail_deployment, shop, "1")


def test_an_account_is_read_by_its_new_settings_without_a_restart(
    mail_deployment: Deployment, mail_administrator: Caller, dovecot: Dovecot
) -> None:
    dovecot.deliver("moved", a_mail(1))
    shop, address = a_mailbox(mail_deployment, mail_administrator)

    rolled = dovecot.settings("moved", imap_password="not yet", imap_password_previous="secret")
    redefined(mail_administrator, shop, address, rolled)

    wait_for(mail_deployment, shop, "1")
