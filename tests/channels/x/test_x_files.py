"""Pictures on their way out by X: uploaded first, then attached, with or without a text."""

from typing import Any

from application.exchange.sending import Accepted, Outcome
from channels import x
from domain.account import AccountDefinition
from tests.channels.replies import PNG, a_file, a_reply, attempted, form_of
from tests.channels.scripted_provider import Scripted, Taken, answers
from tests.channels.x.situations import JO, an_x_account
from tests.channels.x.test_x_sending import SENDS, accepts

UPLOADED = answers(200, {"data": {"id": "1455952740635586573", "media_key": "3_1455952740635586573"}})


def account(url: str) -> AccountDefinition:
    return an_x_account(api_url=url, **SENDS)


def sent(*script: Scripted, **changes: Any) -> tuple[Outcome, list[Taken]]:
    reply = a_reply(**{"handle": JO, "files": (a_file("dm_image"),), **changes})
    return attempted(x.send, account, *script, accepts=accepts, reply=reply)


def test_a_picture_is_uploaded_and_then_attached() -> None:
    outcome, (uploading, sending) = sent(UPLOADED, text="Here")

    form = form_of(uploading)
    assert isinstance(outcome, Accepted)
    assert uploading.path == "/2/media/upload"
    assert (form["media"], form["media_category"][2]) == (("map.png", "image/png", PNG), b"dm_image")
    assert uploading.headers["authorization"].startswith("OAuth ")
    assert sending.path == f"/2/dm_conversations/with/{JO}/messages"
    assert sending.json == {"text": "Here", "attachments": [{"media_id": "1455952740635586573"}]}


def test_a_picture_alone_needs_no_text() -> None:
    _, (_, sending) = sent(UPLOADED, text="")

    assert sending.json == {"attachments": [{"media_id": "1455952740635586573"}]}
