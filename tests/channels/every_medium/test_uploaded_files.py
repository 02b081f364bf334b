"""Files on media that take them in two steps, an upload and then the sending itself: what each trouble comes to."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import pytest

from application.exchange.sending import Outcome, Refusal, Rejected, Unknown
from channels import instagram, messenger, wechat, wecom
from channels.edge.limits import LIMITS
from domain.interaction import Attachment
from domain.outbound.files import FileNotTaken, demand_files
from tests.channels.messenger import test_sending_files as of_meta
from tests.channels.replies import a_file
from tests.channels.scripted_provider import (
    DROPPED,
    SILENCE,
    Scripted,
    Taken,
    answers,
    graph_error,
    server_error,
    too_many,
)
from tests.channels.wechat import test_sending_files as of_tencent
from tests.channels.whatsapp import test_files_and_templates as of_whatsapp
from tests.channels.x import test_x_files as of_x


class Uploader(NamedTuple):
    """A medium that is given files in two steps."""

    sent: Callable[..., tuple[Outcome, list[Taken]]]
    """A reply with one picture, by the script of the provider's answers."""
    uploaded: Scripted
    """How the provider says that it has the file."""
    gateway: Scripted | None
    """How a gateway says that it heard nothing back."""
    own_words: Mapping[str, tuple[Scripted, Refusal]]
    """Further troubles of an upload."""


META = {
    "rate": (graph_error(613, "Rate"), Refusal.RETRY_LATER),
    "expired token": (graph_error(190, "Token", status=401), Refusal.OUR_FAULT),
    "not this file": (graph_error(100, "Upload attachment failure", subcode=2_018_047), Refusal.OUR_FAULT),
}
TENCENT = {
    "quota": (answers(200, {"errcode": 45_009, "errmsg": "reach max api daily quota limit"}), Refusal.RETRY_LATER),
    "not this file": (answers(200, {"errcode": 40_009, "errmsg": "invalid image size"}), Refusal.OUR_FAULT),
}
UPLOADERS = {
    "whatsapp": Uploader(
        partial(of_whatsapp.sent, files=(a_file("image"),)),
        of_whatsapp.UPLOADED,
        answers(504),
        {
            "gateway": (answers(502), Refusal.RETRY_LATER),
            "429": (too_many(7), Refusal.RETRY_LATER),
            "expired token": (graph_error(190, "Token expired", status=401), Refusal.OUR_FAULT),
            "not this file": (graph_error(131_053, "Media upload error"), Refusal.OUR_FAULT),
        },
    ),
    "messenger": Uploader(partial(of_meta.sent, messenger), of_meta.UPLOADED, answers(502), META),
    "instagram": Uploader(partial(of_meta.sent, instagram), of_meta.UPLOADED, answers(502), META),
    "wechat": Uploader(partial(of_tencent.sent, wechat), of_tencent.UPLOADED, answers(504), TENCENT),
    "wecom": Uploader(partial(of_tencent.sent, wecom), of_tencent.UPLOADED, answers(504), TENCENT),
    "x": Uploader(
        of_x.sent,
        of_x.UPLOADED,
        None,
        {
            "429": (too_many(), Refusal.RETRY_LATER),
            "not this file": (answers(400, {"detail": "Your media IDs are invalid."}), Refusal.OUR_FAULT),
        },
    ),
}
EVERYWHERE = {
    "silence": (SILENCE, Refusal.RETRY_LATER),
    "broken off": (DROPPED, Refusal.RETRY_LATER),
    "5xx": (server_error(), Refusal.RETRY_LATER),
    "no id": (answers(200, {}), Refusal.RETRY_LATER),
}
TROUBLES = [(channel, trouble) for channel, one in UPLOADERS.items() for trouble in (*EVERYWHERE, *one.own_words)]
SILENCES = [
    pytest.param(channel, answer, id=f"{channel}-{name}")
    for channel, one in UPLOADERS.items()
    for name, answer in (("silence", SILENCE), ("broken off", DROPPED), ("gateway", one.gateway))
    if answer is not None
]


@pytest.mark.parametrize(("channel", "trouble"), TROUBLES)
def test_an_upload_that_failed_sent_nothing_to_anybody(channel: str, trouble: str) -> None:
    medium = UPLOADERS[channel]
    answer, refusal = (EVERYWHERE | dict(medium.own_words))[trouble]

    outcome, taken = medium.sent(answer)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, len(taken)) == (refusal, 1)


@pytest.mark.parametrize(("channel", "answer"), SILENCES)
def test_no_answer_to_the_sending_itself_is_unknown(channel: str, answer: Scripted) -> None:
    medium = UPLOADERS[channel]

    outcome, taken = medium.sent(medium.uploaded, answer)

    assert (isinstance(outcome, Unknown), len(taken)) == (True, 2)


@pytest.mark.parametrize(
    ("channel", "content_type", "size_bytes", "text", "told"),
    [
        ("whatsapp", "image/png", 5_000_001, "", "whatsapp takes image/png of at most 5000000 bytes"),
        ("whatsapp", "image/webp", 10, "", "whatsapp takes no image/webp"),
        ("whatsapp", "audio/ogg", 10, "Listen", "text: whatsapp takes no text beside a file sent as audio"),
        ("whatsapp", "application/pdf", 10, "x" * 1_025, "text: whatsapp takes at most 1024 characters"),
        ("messenger", "image/png", 1, "Hi", "text: messenger takes no text beside a file sent as image"),
        ("messenger", "application/pdf", 25_000_001, "", "messenger takes application/pdf of at most"),
        ("instagram", "application/zip", 1, "", "instagram takes no application/zip"),
        ("instagram", "image/png", 8_000_001, "", "instagram takes image/png of at most 8000000"),
        ("wechat", "application/pdf", 1, "", "wechat takes no application/pdf"),
        ("wechat", "audio/mpeg", 2_000_001, "", "wechat takes audio/mpeg of at most 2000000 bytes"),
        ("wechat", "image/png", 1, "Hi", "text: wechat takes no text beside a file sent as image"),
        ("wecom", "application/pdf", 20_000_001, "", "wecom takes application/pdf of at most"),
    ],
)
def test_what_they_do_not_take_is_known_before_it_is_sent(
    channel: str, content_type: str, size_bytes: int, text: str, told: str
) -> None:
    attachment = Attachment(content_type=content_type, size_bytes=size_bytes)

    with pytest.raises(FileNotTaken) as refused:
        demand_files(channel, LIMITS[channel].files, (attachment,), text)

    assert str(refused.value).startswith(told if text else f"attachments[0]: {told}")
