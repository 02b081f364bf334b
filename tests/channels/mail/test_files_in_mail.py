"""Files that go with a mail arrive as they were, under their names, and none of them ends the mail early."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from application.exchange.sending import Accepted, OutgoingFile, Refusal, Rejected
from channels import email
from tests.channels.test_email_sending import NO_HTTP, ScriptedServer, a_reply, an_account, serving

PDF = b"%PDF-1.7\r\n.\r\n\x00\xff" + bytes(range(256))


def a_file(name: str = "invoice.pdf", content_type: str = "application/pdf", body: bytes = PDF) -> OutgoingFile:
    return OutgoingFile(sent_as="attachment", name=name, content_type=content_type, body=body)


def arrived(*files: OutgoingFile, text: str = "Here you are", data: str = "250 OK") -> tuple[object, EmailMessage]:
    """The outcome, and the mail as the server took it."""

    async def attempt() -> tuple[object, EmailMessage]:
        script = ScriptedServer(data=data)
        async with serving(script) as port:
            outcome = await email.send(an_account(port), a_reply(text=text, files=files), NO_HTTP)
        content = script.taken[0].content
        assert isinstance(content, bytes)
        return outcome, message_from_bytes(content, policy=policy.default)

    return asyncio.run(attempt())


def test_files_arrive_as_they_were_sent_beside_both_texts() -> None:
    outcome, mail = arrived(a_file(), a_file("Grüße 你.png", "image/png", b"\x89PNG"))

    plain, markup = mail.get_body(("plain",)), mail.get_body(("html",))
    files = [(one.get_filename(), one.get_content_type(), one.get_content()) for one in mail.iter_attachments()]
    assert isinstance(outcome, Accepted)
    assert (plain and plain.get_content().strip(), bool(markup)) == ("Here you are", True)
    assert files == [("invoice.pdf", "application/pdf", PDF), ("Grüße 你.png", "image/png", b"\x89PNG")]


def test_a_mail_may_be_nothing_but_its_files() -> None:
    outcome, mail = arrived(a_file(), text="")

    assert isinstance(outcome, Accepted)
    assert [one.get_content() for one in mail.iter_attachments()] == [PDF]


@pytest.mark.parametrize(
    ("file", "kind", "content"),
    [
        (a_file("a.txt", "text/plain", "Grüße".encode()), "text/plain", "Grüße"),
        (a_file("a.eml", "message/rfc822", b"From: a@b\r\n\r\nHi"), "application/octet-stream", b"From: a@b\r\n\r\nHi"),
    ],
)
def test_texts_and_mails_are_files_like_others(file: OutgoingFile, kind: str, content: object) -> None:
    _, mail = arrived(file)

    (found,) = mail.iter_attachments()
    assert (found.get_content_type(), found.get_content()) == (kind, content)


def test_a_name_cannot_bring_headers_in() -> None:
    _, mail = arrived(a_file("a\r\nBcc: eve@example.org\r\n.pdf"))

    (found,) = mail.iter_attachments()
    assert mail["Bcc"] is None
    assert "\n" not in (found.get_filename() or "\n")


def test_a_server_that_takes_no_mail_of_the_size_refuses_for_good() -> None:
    outcome, _ = arrived(a_file(), data="552 5.3.4 message size exceeds fixed limit")

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.is_final) == (Refusal.OUR_FAULT, True)
