"""What a channel takes of files is told before anybody writes, with the field and the limit."""

import pytest
from msgspec.structs import replace

from domain.interaction import Attachment, ReplyWritten
from domain.outbound.files import FileKind, FileNotTaken, Files, demand_files, kind_of, words_of
from domain.outbound.templates import (
    ChannelTakesNoTemplates,
    Template,
    TemplateNotFilled,
    TemplateStandsAlone,
    demand_template,
)

PICTURE = FileKind(sent_as="image", types=("image/png", "image/jpeg"), bytes_max=100, text_length_max=5)
SOUND = FileKind(sent_as="audio", types=("audio/mpeg",), bytes_max=1_000, text_length_max=0)
PAPER = FileKind(sent_as="document", types=("image/png", "application/pdf"), bytes_max=1_000)
HELLO = Template(name="hello", language="de")
TAKEN = Files(kinds=(PICTURE, SOUND, PAPER), count_max=2, bytes_max=1_500)


def a_file(content_type: str = "image/png", size_bytes: int = 10, name: str = "") -> Attachment:
    return Attachment(name=name, content_type=content_type, size_bytes=size_bytes)


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (a_file(), PICTURE),
        (a_file(size_bytes=100), PICTURE),
        (a_file(size_bytes=101), PAPER),
        (a_file("application/pdf", 1_000), PAPER),
        (a_file("application/pdf", 1_001), None),
        (a_file("image/tiff"), None),
    ],
)
def test_a_file_is_sent_as_the_first_kind_that_takes_it(file: Attachment, kind: FileKind | None) -> None:
    assert kind_of(TAKEN, file) == kind


def test_anything_is_taken_where_the_type_does_not_matter() -> None:
    anything = Files(kinds=(FileKind(sent_as="file", types=("*/*",), bytes_max=10),))

    demand_files("webchat", anything, (a_file("application/x-never-heard-of"),), "Hi")


@pytest.mark.parametrize(
    ("files", "text", "told"),
    [
        (
            (a_file(), a_file("image/tiff")),
            "",
            "attachments[1]: sms takes no image/tiff, but image/png, image/jpeg, audio/mpeg, application/pdf",
        ),
        (
            (a_file("image/jpeg", 101),),
            "",
            "attachments[0]: sms takes image/jpeg of at most 100 bytes; this has 101",
        ),
        ((a_file(), a_file(), a_file()), "", "attachments: sms takes 2 in one reply; these are 3"),
        (
            (a_file("application/pdf", 900), a_file("application/pdf", 601)),
            "",
            "attachments: sms takes 1500 bytes in one reply; these have 1501",
        ),
        ((a_file(),), "Voilà!", "text: sms takes at most 5 characters beside a file sent as image; this has 6"),
        ((a_file("audio/mpeg"),), "!", "text: sms takes no text beside a file sent as audio; this has 1"),
    ],
)
def test_what_is_not_taken_is_named_with_its_limit(files: tuple[Attachment, ...], text: str, told: str) -> None:
    with pytest.raises(FileNotTaken) as refused:
        demand_files("sms", TAKEN, files, text)

    assert str(refused.value) == told


def test_a_channel_without_files_says_so() -> None:
    demand_files("sms", None, (), "Hi")

    with pytest.raises(FileNotTaken, match=r"attachments\[0\]: sms takes no files"):
        demand_files("sms", None, (a_file(),), "Hi")


def test_a_template_goes_alone_where_the_channel_has_them() -> None:
    demand_template("whatsapp", HELLO, "", 1, is_taken=True)

    with pytest.raises(ChannelTakesNoTemplates, match="template: telegram knows no templates"):
        demand_template("telegram", HELLO, "", 0, is_taken=False)
    with pytest.raises(TemplateStandsAlone, match="text: "):
        demand_template("whatsapp", HELLO, "Hi", 0, is_taken=True)
    with pytest.raises(TemplateStandsAlone, match="attachments: "):
        demand_template("whatsapp", HELLO, "", 2, is_taken=True)


@pytest.mark.parametrize("parameter", ["two\nlines", "a\ttab", "five     spaces"])
def test_what_fills_a_template_in_is_one_line(parameter: str) -> None:
    demand_template("whatsapp", replace(HELLO, parameters=("four    spaces",)), "", 0, is_taken=True)

    with pytest.raises(TemplateNotFilled, match=r"template.parameters\[1\]: whatsapp takes no line ends"):
        demand_template("whatsapp", replace(HELLO, parameters=("Ana", parameter)), "", 0, is_taken=True)


@pytest.mark.parametrize(
    ("text", "attachments", "template", "words"),
    [
        ("Hi", (a_file(name="map.png"),), None, "Hi"),
        ("", (a_file(name="map.png"), a_file()), None, "map.png, image/png"),
        ("", (), Template(name="order_update", language="de", parameters=("Ana", "4711")), "order_update: Ana, 4711"),
        ("", (), Template(name="thanks", language="de"), "thanks"),
    ],
)
def test_a_reply_is_shown_by_its_words_or_by_what_it_carries(
    text: str, attachments: tuple[Attachment, ...], template: Template | None, words: str
) -> None:
    reply = ReplyWritten(
        conversation_id="conversation-1",
        message_id="message-1",
        channel="whatsapp",
        account_id="account-1",
        handle="+49",
        text=text,
        agent_id="agent-1",
        attachments=attachments,
        template=template,
    )

    assert words_of(reply) == words
