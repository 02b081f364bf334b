"""Files on their way out by WeChat and WeCom: uploaded first, then sent by their media id, without a text."""

from types import ModuleType

import pytest

from application.exchange.sending import Accepted, Outcome, OutgoingFile, Refusal, Rejected, Unknown
from channels import wechat, wecom
from channels.edge.limits import LIMITS
from domain.account import AccountDefinition
from domain.interaction import Attachment
from domain.outbound.files import FileNotTaken, demand_files
from tests.channels.replies import PNG, a_file, a_reply, attempted, form_of
from tests.channels.scripted_provider import DROPPED, SILENCE, Scripted, Taken, answers, server_error
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


@BOTH
@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (SILENCE, Refusal.RETRY_LATER),
        (DROPPED, Refusal.RETRY_LATER),
        (server_error(), Refusal.RETRY_LATER),
        (answers(200, {}), Refusal.RETRY_LATER),
        (answers(200, {"errcode": 45_009, "errmsg": "reach max api daily quota limit"}), Refusal.RETRY_LATER),
        (answers(200, {"errcode": 40_009, "errmsg": "invalid image size"}), Refusal.OUR_FAULT),
    ],
)
def test_an_upload_that_failed_sent_nothing_to_anybody(medium: ModuleType, answer: Scripted, refusal: Refusal) -> None:
    outcome, taken = sent(medium, answer)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, len(taken)) == (refusal, 1)


@BOTH
@pytest.mark.parametrize("answer", [SILENCE, DROPPED, answers(504)])
def test_no_answer_to_the_sending_itself_is_unknown(medium: ModuleType, answer: Scripted) -> None:
    outcome, taken = sent(medium, UPLOADED, answer)

    assert (isinstance(outcome, Unknown), len(taken)) == (True, 2)


@pytest.mark.parametrize(
    ("channel", "content_type", "size_bytes", "text", "told"),
    [
        ("wechat", "application/pdf", 1, "", r"attachments\[0\]: wechat takes no application/pdf"),
        ("wechat", "audio/mpeg", 2_000_001, "", r"attachments\[0\]: wechat takes audio/mpeg of at most 2000000 bytes"),
        ("wechat", "image/png", 1, "Hi", "text: wechat takes no text beside a file sent as image"),
        (
            "wecom",
            "application/pdf",
            20_000_001,
            "",
            r"attachments\[0\]: wecom takes application/pdf of at most",
        ),
    ],
)
def test_what_they_do_not_take_is_known_before_it_is_sent(
    channel: str, content_type: str, size_bytes: int, text: str, told: str
) -> None:
    attachment = Attachment(content_type=content_type, size_bytes=size_bytes)

    with pytest.raises(FileNotTaken, match=told):
        demand_files(channel, LIMITS[channel].files, (attachment,), text)
