"""The LMTP door, by the standard library's client: an answer for each recipient, and only once the mail is stored."""

import smtplib
from collections.abc import Iterator

import pytest

from api.doors.lmtp_door import SESSIONS_MAX, listened_address
from api.settings import SettingWrong
from channels.mail.threads import reply_address
from tests.api.deployment import Caller, Deployment
from tests.api.mail.conftest import MAIL_BYTES_MAX
from tests.api.mail.situations import a_mail, a_mailbox, ids, stored
from tests.api.situations import Shop


@pytest.fixture
def lmtp(mail_deployment: Deployment) -> Iterator[smtplib.LMTP]:
    client = smtplib.LMTP("127.0.0.1", mail_deployment.parts.ports["lmtp"], timeout=20)
    client.ehlo_or_helo_if_needed()
    yield client
    leave(client)


@pytest.fixture
def smtp(mail_deployment: Deployment) -> Iterator[smtplib.SMTP]:
    client = smtplib.SMTP("127.0.0.1", mail_deployment.parts.ports["lmtp"], timeout=20)
    client.ehlo()
    yield client
    leave(client)


def leave(client: smtplib.SMTP) -> None:
    """Until the door counts the session no more: it lets go of it before it closes the connection."""
    assert client.docmd("QUIT")[0] == 221
    assert client.sock is not None
    assert client.sock.recv(1) == b""
    client.close()


@pytest.fixture
def shop(mail_deployment: Deployment, mail_administrator: Caller) -> Shop:
    return a_mailbox(mail_deployment, mail_administrator, aliases="Sales@shop.example")[0]


def address_of(deployment: Deployment, shop: Shop) -> str:
    definition = deployment.parts.directory.accounts[shop.account_id].definition
    assert definition is not None
    return definition.address


def replies(client: smtplib.SMTP, recipients: list[str], mail: bytes, sender: str = "") -> list[tuple[int, bytes]]:
    """The answers to each recipient, then those to the mail: one for each that was accepted."""
    client.mail(sender)
    told = [client.rcpt(one) for one in recipients]
    accepted = sum(code == 250 for code, _ in told)
    assert client.docmd("DATA")[0] == 354
    client.send(mail.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
    count = accepted if isinstance(client, smtplib.LMTP) else 1
    return [*told, *(client.getreply() for _ in range(count))]


def codes(answers: list[tuple[int, bytes]]) -> list[int]:
    return [code for code, _ in answers]


def test_each_recipient_gets_its_own_answer_once_the_mail_is_stored(
    mail_deployment: Deployment, mail_administrator: Caller, shop: Shop, lmtp: smtplib.LMTP
) -> None:
    other, _ = a_mailbox(mail_deployment, mail_administrator)
    recipients = [address_of(mail_deployment, one) for one in (shop, other)]

    answers = replies(lmtp, [recipients[0], "nobody@shop.example", recipients[1]], a_mail("several"))

    assert codes(answers) == [250, 550, 250, 250, 250]
    assert (ids(mail_deployment, shop), ids(mail_deployment, other)) == (["several"], ["several"])


def test_the_same_mail_again_is_acknowledged_and_stored_once(
    mail_deployment: Deployment, shop: Shop, lmtp: smtplib.LMTP
) -> None:
    address = address_of(mail_deployment, shop)

    for _ in range(2):
        assert codes(replies(lmtp, [address], a_mail("again"))) == [250, 250]

    assert ids(mail_deployment, shop) == ["again"]


def test_a_reply_token_finds_its_mailbox_and_a_plus_part_does_too(
    mail_deployment: Deployment, mail_administrator: Caller, lmtp: smtplib.LMTP
) -> None:
    own_key = "another key of at least thirty-two characters"
    shop, address = a_mailbox(mail_deployment, mail_administrator, token_key=own_key)
    conversation = "conversation-0193a7c2b3c4d5e6f708192a3b4c5d6e"
    token = reply_address(conversation, domain="shop.example", key=own_key.encode())
    forged = reply_address(conversation, domain="shop.example", key=b"guessed")

    answers = replies(lmtp, [token, address.replace("@", "+orders@"), forged], a_mail("token"))

    assert codes(answers) == [250, 250, 550, 250, 250]
    assert ids(mail_deployment, shop) == ["token"]


def test_a_bounce_comes_from_nobody_and_keeps_that(mail_deployment: Deployment, shop: Shop, lmtp: smtplib.LMTP) -> None:
    mail = a_mail("bounce").replace(b"From: Ana <ana@example.org>\r\n", b"")

    answers = replies(lmtp, [address_of(mail_deployment, shop)], mail, sender="")

    (message,) = stored(mail_deployment, shop.account_id)
    assert codes(answers) == [250, 250]
    assert message.handle == "mailer-daemon"


def test_a_mail_that_is_too_large_is_refused_for_each_recipient_and_the_session_goes_on(
    mail_deployment: Deployment, mail_administrator: Caller, shop: Shop, lmtp: smtplib.LMTP
) -> None:
    other, _ = a_mailbox(mail_deployment, mail_administrator)
    recipients = [address_of(mail_deployment, one) for one in (shop, other)]

    answers = replies(lmtp, recipients, a_mail("large", "x\r\n" * MAIL_BYTES_MAX))

    assert codes(answers) == [250, 250, 552, 552]
    assert lmtp.esmtp_features["size"] == str(MAIL_BYTES_MAX)
    assert lmtp.docmd(f"MAIL FROM:<a@b.example> SIZE={MAIL_BYTES_MAX + 1}")[0] == 552
    assert codes(replies(lmtp, recipients[:1], a_mail("small"))) == [250, 250]


def test_long_lines_and_eight_bit_text_and_lone_dots_arrive_as_they_were(
    mail_deployment: Deployment, shop: Shop, lmtp: smtplib.LMTP
) -> None:
    text = "x" * 20_000 + "\r\n.\r\n..\r\nGrüße 😀"

    assert codes(replies(lmtp, [address_of(mail_deployment, shop)], a_mail("odd", text))) == [250, 250]

    (message,) = stored(mail_deployment, shop.account_id)
    assert message.content.text.replace("\r\n", "\n").strip() == text.replace("\r\n", "\n")


def test_smtp_is_spoken_too_and_has_one_answer_for_all(
    mail_deployment: Deployment, shop: Shop, smtp: smtplib.SMTP
) -> None:
    answers = replies(smtp, [address_of(mail_deployment, shop), "sales@shop.example"], a_mail("smtp"))

    assert codes(answers) == [250, 250, 250]
    assert ids(mail_deployment, shop) == ["smtp"]


def test_mail_for_a_paused_mailbox_is_to_come_again(
    mail_deployment: Deployment, mail_administrator: Caller, shop: Shop, lmtp: smtplib.LMTP
) -> None:
    address = address_of(mail_deployment, shop)
    done = mail_administrator.done(f"/v1/accounts/{shop.account_id}/pause", {})
    mail_deployment.known(done["position"])

    lmtp.mail("")

    assert lmtp.rcpt(address)[0] == 451


def test_more_connections_than_allowed_are_told_to_come_later(mail_deployment: Deployment) -> None:
    host, port = "127.0.0.1", mail_deployment.parts.ports["lmtp"]
    held = [smtplib.SMTP(host, port, timeout=20) for _ in range(SESSIONS_MAX)]

    with pytest.raises(smtplib.SMTPConnectError) as refused:
        smtplib.SMTP(host, port, timeout=20)

    assert refused.value.smtp_code == 421
    for one in held:
        leave(one)


def test_the_conversation_of_a_token_goes_on_wherever_it_came_in(
    mail_deployment: Deployment, mail_administrator: Caller, lmtp: smtplib.LMTP
) -> None:
    own_key = "a third key of at least thirty-two characters"
    shop, address = a_mailbox(mail_deployment, mail_administrator, token_key=own_key)
    replies(lmtp, [address], a_mail("first"))
    (first,) = stored(mail_deployment, shop.account_id)

    token = reply_address(first.conversation_id, domain="shop.example", key=own_key.encode())
    replies(lmtp, [token], a_mail("second"))

    found = stored(mail_deployment, shop.account_id)
    assert [one.conversation_id for one in found] == [first.conversation_id] * 2


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:24", ("127.0.0.1", 24)), ("[::1]:24", ("::1", 24)), ("10.1.2.3:25", ("10.1.2.3", 25))],
)
def test_a_private_address_is_listened_on_as_it_is(text: str, address: tuple[str, int]) -> None:
    assert listened_address(text, is_public=False) == address
    assert listened_address("localhost:24", is_public=False) == ("127.0.0.1", 24)


@pytest.mark.parametrize("text", ["0.0.0.0:24", "[::]:24", "203.0.113.9:24", "8.8.8.8:25"])
def test_a_public_address_is_listened_on_only_where_it_is_said(text: str) -> None:
    listened_address(text, is_public=True)

    if not text.startswith("203."):  # that one is for documentation, and nobody's
        with pytest.raises(SettingWrong, match="ONETHREAD_LMTP_REACH"):
            listened_address(text, is_public=False)


@pytest.mark.parametrize("text", ["24", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "mail.example:24", ":24", "x:²"])
def test_what_is_no_address_is_refused_with_its_variable(text: str) -> None:
    with pytest.raises(SettingWrong, match="ONETHREAD_LMTP_LISTEN"):
        listened_address(text, is_public=True)
