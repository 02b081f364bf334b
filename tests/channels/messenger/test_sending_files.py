"""Files on their way out by Messenger and Instagram: uploaded first, then sent by their id, without a text."""

import json
from types import ModuleType

from application.exchange.sending import Accepted, Outcome, OutgoingFile, Refusal, Rejected
from channels import instagram, messenger
from tests.channels.messenger.test_sending import BOTH, accepts, account_of
from tests.channels.replies import PNG, a_file, a_reply, attempted, form_of
from tests.channels.scripted_provider import Scripted, Taken, answers

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
