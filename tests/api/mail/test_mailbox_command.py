"""`onethread mailbox`: an operator sees what is in a mailbox, or in one sentence why not, and nothing changes."""

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.mail.scripted_imap import ScriptedMailbox, serving
from tests.api.mail.situations import a_mail, a_mailbox
from tests.api.running.test_command_line import Terminal, environment_of


@pytest.fixture
def terminal(
    mail_deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return Terminal(environment_of(mail_deployment.parts.settings), monkeypatch, capsys)


def test_the_newest_mails_are_listed_and_the_newest_is_read(
    mail_deployment: Deployment, mail_administrator: Caller, terminal: Terminal
) -> None:
    mails = {uid: a_mail(uid, f"Text of {uid} [bold]") for uid in range(1, 10)}
    with serving(ScriptedMailbox(mails)) as script:
        shop, _ = a_mailbox(mail_deployment, mail_administrator, **script.settings())

        said = terminal.done("mailbox", shop.account_id, "--newest", "2")

    assert said.lines[0] == "INBOX: 9 mails"
    assert [line.split()[0] for line in said.lines[2:4]] == ["8", "9"]
    assert "Parcel 9" in said.out
    assert "Text of 9 [bold]" in said.out
    assert "Text of 8" not in said.out
    assert said.lines[-1] == "SMTP: not set up, so it only receives"


def test_a_server_that_is_not_there_is_told_in_a_sentence(
    mail_deployment: Deployment, mail_administrator: Caller, terminal: Terminal
) -> None:
    imap = ScriptedMailbox(port=1).settings()
    neither, _ = a_mailbox(mail_deployment, mail_administrator, **imap)
    smtp, _ = a_mailbox(mail_deployment, mail_administrator, smtp_host="127.0.0.1", smtp_port="1")

    assert terminal.refused("mailbox", neither.account_id).startswith("Error: IMAP: ")
    assert terminal.refused("mailbox", smtp.account_id).startswith("Error: SMTP: ")
    assert terminal.refused("mailbox", "account-" + "0" * 32).startswith("onethread: there is no mailbox")
