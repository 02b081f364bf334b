"""Files on their way out by WeChat and WeCom: uploaded first, then sent by their media id, without a text."""

from types import ModuleType

import pytest

from application.exchange.sending import Accepted, Outcome, OutgoingFile
from channels import wechat, wecom
from domain.account import AccountDefinition
from tests.channels.replies import PNG, a_file, a_reply, attempted, form_of
from tests.channels.scripted_provider import Scripted, Taken, answers
from tests.channels.wechat.sealed import a_wechat_account, a_wecom_account

BOTH = pytest.mark.parametrize("medium", [wechat, wecom])
TOKEN = answers(200, {"errcode": 0, "access_token": "token-1", "expires_in": 7_200})
UPLOADED = answers(200, {"type": "image", "media_id": "MEDIA_ID", "created_at": 123_456_789})
STALE = answers(200, {"errcode": 42_001, "errmsg": "access_token expired"})


def accepts(request: Taken, _: int) -> Scripted:
    return TOKEN if "token" in request.path.partition("?")[0] else answers(200, {"errcode": 0, "errmsg": "ok"})


def sent(medium: ModuleType, *script: Scripted, file: OutgoingFile | None = None) -> tuple[Outcome, list[Taken]]:
    """What came to the provider but for asking for tokens."""

    def account(url: str) -> AccountDefinition:
        return a_wechat_account(api_url=url) if medium is wechat else a_wecom_account(api_url=url)

    reply = a_reply(handle="oA1", text="", files=(file or a_file("image"),))
    outcome, taken = attempted(medium.send, account, TOKEN, *script, accepts=accepts, reply=reply)
    return outcome, [one for one in taken if "token?" not in one.path and not one.path.endswith("token")]


@BOTH
def test_a_file_is_uploaded_and_then_sent_by_its_media_id(medium: ModuleType) -> None:
    outcome, (uploading, sending) = sent(medium, UPLOADED)

    assert isinstance(outcome, Accepted)
    assert uploading.path == "/cgi-bin/media/upload?access_token=token-1&type=image"
    assert form_of(uploading)["media"] == ("map.png", "image/png", PNG)
    assert (sending.json["msgtype"], sending.json["image"]) == ("image", {"media_id": "MEDIA_ID"})
    assert "text" not in sending.json


@BOTH
def test_a_stale_token_is_replaced_before_the_upload_is_given_up(medium: ModuleType) -> None:
    outcome, taken = sent(medium, STALE, TOKEN, UPLOADED)

    assert isinstance(outcome, Accepted)
    assert len(taken) == 3
