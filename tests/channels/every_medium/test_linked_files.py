"""Files that a provider fetches from us: the link goes with the message, in one call."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from msgspec.structs import replace

from application.exchange.sending import Accepted, Outcome, Refusal, Rejected, Send, Unknown
from channels import instagram, line, sms
from channels.edge.limits import LIMITS
from domain.account import AccountDefinition
from domain.interaction import Attachment
from domain.outbound.files import FileNotTaken, demand_files
from tests.channels.line import test_sending as on_line
from tests.channels.messenger import test_sending as on_meta
from tests.channels.replies import a_file, a_reply, attempted
from tests.channels.scripted_provider import SILENCE, Scripted, Taken
from tests.channels.sms import test_sms_sending as on_sms

LINK = "https://cc.shop.example/v1/files/customer-1/9f86/1826409600-5f2e"
Medium = tuple[Send, Callable[[str], AccountDefinition], Callable[[Taken, int], Scripted]]
ON_LINE: Medium = (line.send, on_line.account, on_line.accepts)
ON_SMS: Medium = (sms.send, on_sms.a_number, on_sms.accepts)
ON_INSTAGRAM: Medium = (instagram.send, on_meta.account_of(instagram, login="instagram"), on_meta.accepts)
ALL = pytest.mark.parametrize("medium", [ON_LINE, ON_SMS, ON_INSTAGRAM])


def sent(medium: Medium, *script: Scripted, link: str = LINK, **changes: Any) -> tuple[Outcome, list[Taken]]:
    send, account, accepts = medium
    files = tuple(replace(one, link=link) for one in changes.pop("files", (a_file("image"),)))
    return attempted(send, account, *script, accepts=accepts, reply=a_reply(files=files, **changes))


def test_line_gets_text_and_pictures_in_one_push() -> None:
    outcome, (request,) = sent(ON_LINE, files=(a_file("image"), a_file("image")), text="Here")

    picture = {"type": "image", "originalContentUrl": LINK, "previewImageUrl": LINK}
    assert isinstance(outcome, Accepted)
    assert request.json["messages"] == [{"type": "text", "text": "Here"}, picture, picture]


def test_a_picture_alone_needs_no_text() -> None:
    _, (on_line_request,) = sent(ON_LINE, text="")
    _, (on_sms_request,) = sent(ON_SMS, text="")

    assert [one["type"] for one in on_line_request.json["messages"]] == ["image"]
    assert "Body" not in on_sms_request.form


def test_an_mms_names_each_of_its_pictures() -> None:
    _, (request,) = sent(ON_SMS, files=(a_file("media"), a_file("media")), text="Here")

    form = parse_qs(request.body.decode())
    assert (form["MediaUrl"], form["Body"]) == ([LINK, LINK], ["Here"])


def test_instagrams_own_login_fetches_files() -> None:
    outcome, (request,) = sent(ON_INSTAGRAM, text="")

    assert isinstance(outcome, Accepted)
    assert request.path == "/1067/messages"
    assert request.json["message"] == {"attachment": {"type": "image", "payload": {"url": LINK}}}


@ALL
def test_nothing_is_sent_where_nobody_can_reach_us(medium: Medium) -> None:
    outcome, taken = sent(medium, link="", text="")

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, taken) == (Refusal.OUR_FAULT, [])


@pytest.mark.parametrize("medium", [ON_SMS, ON_INSTAGRAM])
def test_no_answer_may_mean_that_it_arrived(medium: Medium) -> None:
    outcome, _ = sent(medium, SILENCE, text="")

    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    ("channel", "files", "told"),
    [
        ("line", [("image/png", 1_000_001)], r"attachments\[0\]: line takes image/png of at most 1000000 bytes"),
        (
            "line",
            [("application/pdf", 1)],
            r"attachments\[0\]: line takes no application/pdf, but image/jpeg, image/png",
        ),
        ("line", [("image/png", 1)] * 5, "attachments: line takes 4 in one reply; these are 5"),
        ("sms", [("image/gif", 3_000_000)] * 2, "attachments: sms takes 5000000 bytes in one reply"),
    ],
)
def test_what_they_do_not_take_is_known_before(channel: str, files: list[tuple[str, int]], told: str) -> None:
    attachments = [Attachment(content_type=content_type, size_bytes=size) for content_type, size in files]

    with pytest.raises(FileNotTaken, match=told):
        demand_files(channel, LIMITS[channel].files, attachments, "")
