"""Files on their way out by Messenger and Instagram: uploaded first, then sent by their id, without a text."""

import json
from types import ModuleType

import pytest

from application.exchange.sending import Accepted, Outcome, OutgoingFile, Refusal, Rejected, Unknown
from channels import instagram, messenger
from channels.edge.limits import LIMITS
from domain.interaction import Attachment
from domain.outbound.files import FileNotTaken, demand_files
from tests.channels.messenger.test_sending import BOTH, accepts, account_of
from tests.channels.replies import PNG, a_file, a_reply, attempted, form_of
from tests.channels.scripted_provider import DROPPED, SILENCE, Scripted, Taken, answers, graph_error, server_error

UPLOADED = answers(200, {"attachment_id": "1857777774821032"})


def sent(
    medium: ModuleType, *script: Scripted, file: OutgoingFile | None = None, **settings: str
) -> tuple[Outcome, list[Taken]]:
    reply = a_reply(text="", files=(file or a_file("image"),), in_reply_to="m_q")
    return attempted(medium.send, account_of(medium, **settings), *script, accepts=accepts, reply=reply)


@BOTH
def test_a_file_is_uploaded_and_then_sent_by_its_id(medium: ModuleType) -> None:
    outcome, (uploading, sending) = sent(medium, UPLOADED, page_id="555")

    page, form = uploading.path.split("/")[1], form_of(uploading)
    assert isinstance(outcome, Accepted)
    assert (uploading.path, sending.path) == (f"/{page}/message_attachments", f"/{page}/messages")
    assert uploading.headers["authorization"] == "Bearer token-1"
    assert form["filedata"][1:] == ("image/png", PNG)
    assert json.loads(form["message"][2]) == {"attachment": {"type": "image", "payload": {"is_reusable": False}}}
    assert sending.json["message"] == {
        "attachment": {"type": "image", "payload": {"attachment_id": "1857777774821032"}},
        "metadata": "message-1",
    }
    assert (sending.json["recipient"], sending.json["reply_to"]) == ({"id": "4357001"}, {"mid": "m_q"})


def test_instagram_is_named_and_gets_no_name_that_it_cannot_read() -> None:
    paper = a_file("file", "application/pdf", "Rechnung ü.pdf")
    _, (on_page, _) = sent(messenger, UPLOADED, file=paper)
    _, (on_instagram, _) = sent(instagram, UPLOADED, file=paper)

    assert (form_of(on_page)["filedata"][0], "platform" in form_of(on_page)) == ("Rechnung ü.pdf", False)
    assert form_of(on_instagram)["filedata"][0] == "file.pdf"
    assert form_of(on_instagram)["platform"][2] == b"instagram"


def test_instagrams_own_login_has_no_upload() -> None:
    outcome, taken = sent(instagram, login="instagram")

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.reason.startswith("settings.login"), taken) == (Refusal.OUR_FAULT, True, [])


@BOTH
@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (SILENCE, Refusal.RETRY_LATER),
        (DROPPED, Refusal.RETRY_LATER),
        (server_error(), Refusal.RETRY_LATER),
        (answers(200, {}), Refusal.RETRY_LATER),
        (graph_error(613, "Rate"), Refusal.RETRY_LATER),
        (graph_error(190, "Token", status=401), Refusal.OUR_FAULT),
        (graph_error(100, "Upload attachment failure", subcode=2_018_047), Refusal.OUR_FAULT),
    ],
)
def test_an_upload_that_failed_sent_nothing_to_anybody(medium: ModuleType, answer: Scripted, refusal: Refusal) -> None:
    outcome, taken = sent(medium, answer)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, len(taken)) == (refusal, 1)


@BOTH
@pytest.mark.parametrize("answer", [SILENCE, DROPPED, answers(502)])
def test_no_answer_to_the_sending_itself_is_unknown(medium: ModuleType, answer: Scripted) -> None:
    outcome, taken = sent(medium, UPLOADED, answer)

    assert (isinstance(outcome, Unknown), len(taken)) == (True, 2)


@pytest.mark.parametrize(
    ("channel", "content_type", "size_bytes", "text", "told"),
    [
        ("messenger", "image/png", 1, "Hi", "text: messenger takes no text beside a file sent as image"),
        (
            "messenger",
            "application/pdf",
            25_000_001,
            "",
            r"attachments\[0\]: messenger takes application/pdf of at most",
        ),
        ("instagram", "application/zip", 1, "", r"attachments\[0\]: instagram takes no application/zip"),
        ("instagram", "image/png", 8_000_001, "", r"attachments\[0\]: instagram takes image/png of at most 8000000"),
    ],
)
def test_what_they_do_not_take_is_known_before_it_is_sent(
    channel: str, content_type: str, size_bytes: int, text: str, told: str
) -> None:
    attachment = Attachment(content_type=content_type, size_bytes=size_bytes)

    with pytest.raises(FileNotTaken, match=told):
        demand_files(channel, LIMITS[channel].files, (attachment,), text)
