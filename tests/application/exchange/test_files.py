"""Files that agents send: uploaded for a customer, carried by replies, read by the sender, handed over by mail."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from application.exchange.limits import Limits
from application.exchange.sending import OutgoingFile, Refusal
from application.use_cases.attach_files import AttachFiles
from application.use_cases.hand_over import HandOver
from channels.edge.limits import LIMITS
from domain.interaction import Attachment, NotTheHolder, ReplyWritten
from domain.outbound.delivery import DeliveryAccepted, DeliveryAttempted, DeliveryRejected, ReplyWindowClosed
from domain.outbound.files import FileKind, FileNotTaken, Files, FileUnknown
from domain.outbound.templates import ChannelTakesNoTemplates, Template
from domain.outbound.writing import NothingToSay
from tests.application.policies.media.situations import PNG, a_store
from tests.application.policies.scripted_channel import QUICK, Channel, Sender, deliveries
from tests.application.policies.test_hand_chats_over import a_chat
from tests.application.situations import (
    NOON,
    Case,
    Shop,
    a_message,
    an_assigned_conversation,
    another_process,
)

pytestmark = pytest.mark.anyio
PICTURES = Files(kinds=(FileKind(sent_as="image", types=("image/png",), bytes_max=1_000),))
TAKES_PICTURES = replace(QUICK, files=PICTURES)
HELLO = Template(name="hello", language="de", parameters=("4111 1111 1111 1111",))


def attaching(shop: Shop, folder: Path) -> AttachFiles:
    return AttachFiles(shop.commands, shop.desk, a_store(folder))


async def uploaded(shop: Shop, case: Case, folder: Path, body: bytes = PNG, name: str = "map.png") -> Attachment:
    """As a reply names it."""
    files = attaching(shop, folder)
    stored = await files.add(shop.command(), *case.ids, case.agent_id, body, "")
    (attachment,) = await files.found(case.customer_id, [(stored.digest, name)])
    return attachment


async def replied(shop: Shop, case: Case, *attachments: Attachment, text: str = "") -> str:
    """The message's id."""
    _, message_id = await shop.serve.reply(shop.command(), *case.ids, case.agent_id, text, attachments)
    return message_id


@contextmanager
def out_of_reach(folder: Path) -> Iterator[None]:
    """Where the one object was, nothing can be read meanwhile."""
    (file,) = [one for one in folder.rglob("*") if one.is_file()]
    kept = file.read_bytes()
    file.unlink()
    file.symlink_to(file)
    yield
    file.unlink()
    file.write_bytes(kept)


async def test_a_reply_carries_what_is_known_of_its_files(shop: Shop, tmp_path: Path) -> None:
    case = await an_assigned_conversation(shop)
    attachment = await uploaded(shop, case, tmp_path)

    await replied(shop, case, attachment)

    (written,) = [one for one in await shop.since(0) if isinstance(one, ReplyWritten)]
    assert (written.text, written.attachments) == ("", (attachment,))
    assert (attachment.name, attachment.content_type, attachment.size_bytes) == ("map.png", "image/png", len(PNG))


async def test_an_upload_is_no_event_and_may_be_repeated(shop: Shop, tmp_path: Path) -> None:
    case, head = await an_assigned_conversation(shop), await shop.log.head()

    first = await uploaded(shop, case, tmp_path)
    again = await uploaded(shop, case, tmp_path)

    assert (first, await shop.since(head)) == (again, [])


async def test_only_the_holder_uploads_what_the_channel_takes(shop: Shop, tmp_path: Path) -> None:
    case = await an_assigned_conversation(shop)
    whatsapp = await shop.open_account("whatsapp")
    (receipt,) = await shop.receive(a_message("w-1", "+4930901820"), account_id=whatsapp)
    await shop.route()
    await shop.accept(await shop.case(receipt))
    at_whatsapp = await shop.case(receipt)

    with pytest.raises(NotTheHolder):
        await attaching(shop, tmp_path).add(shop.command(), *case.ids, await shop.hire("Ola"), PNG, "")
    with pytest.raises(FileNotTaken, match="file: whatsapp takes no text/html"):
        await uploaded(shop, at_whatsapp, tmp_path, b"<html>")


async def test_a_file_that_nobody_brought_for_the_customer_is_unknown(shop: Shop, tmp_path: Path) -> None:
    case, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ana")
    theirs = await attaching(shop, tmp_path).add(shop.command(), *other.ids, other.agent_id, PNG, "")

    with pytest.raises(FileUnknown, match=r"attachments\[0\].media_id"):
        await attaching(shop, tmp_path).found(case.customer_id, [(theirs.digest, "")])


async def test_a_file_that_is_gone_is_not_promised(shop: Shop, tmp_path: Path) -> None:
    case = await an_assigned_conversation(shop)
    stored = await attaching(shop, tmp_path / "here").add(shop.command(), *case.ids, case.agent_id, PNG, "")

    with pytest.raises(FileUnknown):
        await attaching(shop, tmp_path / "elsewhere").found(case.customer_id, [(stored.digest, "")])


async def test_a_file_that_went_out_goes_out_again(shop: Shop, tmp_path: Path) -> None:
    case = await an_assigned_conversation(shop)
    attachment = await uploaded(shop, case, tmp_path)

    await replied(shop, case, attachment)
    await replied(shop, case, attachment, text="Once more")

    written = [one for one in await shop.since(0) if isinstance(one, ReplyWritten)]
    assert [one.attachments for one in written] == [(attachment,), (attachment,)]


async def test_a_reply_without_words_needs_a_file(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)

    with pytest.raises(NothingToSay):
        await replied(shop, case)


async def test_more_files_than_a_reply_takes_are_refused_at_once(shop: Shop, tmp_path: Path) -> None:
    case = await an_assigned_conversation(shop)
    attachment = await uploaded(shop, case, tmp_path)

    with pytest.raises(FileNotTaken, match="attachments: webchat takes 10 in one reply; these are 11"):
        await replied(shop, case, *[attachment] * 11)


async def test_the_channel_gets_the_bytes_of_each_file(shop: Shop, tmp_path: Path) -> None:
    case, channel = await an_assigned_conversation(shop), Channel()
    attachment = await uploaded(shop, case, tmp_path)
    nameless = replace(attachment, name="")
    sender = Sender(shop, {"webchat": channel.send}, {"webchat": TAKES_PICTURES}, folder=tmp_path)

    await replied(shop, case, attachment, nameless, text="Here")
    await sender.catch_up()

    (sent,) = channel.sent
    expected = OutgoingFile(sent_as="image", name="map.png", content_type="image/png", body=PNG)
    assert (sent.text, sent.files) == ("Here", (expected, replace(expected, name="file.png")))


@pytest.mark.parametrize("limits", [QUICK, TAKES_PICTURES])
async def test_a_file_that_cannot_be_had_or_is_not_taken_any_more_is_our_fault(
    shop: Shop, tmp_path: Path, limits: Limits
) -> None:
    case, channel = await an_assigned_conversation(shop), Channel()
    await replied(shop, case, await uploaded(shop, case, tmp_path / "here"))
    head = await shop.log.head()

    await Sender(shop, {"webchat": channel.send}, {"webchat": limits}, folder=tmp_path / "elsewhere").catch_up()

    attempted, rejected = await deliveries(shop, head)
    assert isinstance(attempted, DeliveryAttempted)
    assert isinstance(rejected, DeliveryRejected)
    assert (rejected.refusal, rejected.is_final, channel.sent) == (Refusal.OUR_FAULT, True, [])


async def test_a_media_store_out_of_reach_is_asked_again(shop: Shop, tmp_path: Path) -> None:
    case, channel = await an_assigned_conversation(shop), Channel()
    await replied(shop, case, await uploaded(shop, case, tmp_path))
    sender = Sender(shop, {"webchat": channel.send}, {"webchat": TAKES_PICTURES}, folder=tmp_path)
    head = await shop.log.head()

    with out_of_reach(tmp_path):
        await sender.catch_up()
    shop.clock.wait(2)
    await sender.catch_up()

    told = await deliveries(shop, head)
    assert [type(one) for one in told] == [DeliveryAttempted, DeliveryRejected, DeliveryAttempted, DeliveryAccepted]
    assert [one.files[0].body for one in channel.sent] == [PNG]


async def test_another_process_sends_what_this_one_wrote(shop: Shop, tmp_path: Path) -> None:
    case, channel = await an_assigned_conversation(shop), Channel()
    await replied(shop, case, await uploaded(shop, case, tmp_path))

    async with another_process(shop) as other:
        await Sender(other, {"webchat": channel.send}, {"webchat": TAKES_PICTURES}, folder=tmp_path).catch_up()

    assert [one.files[0].body for one in channel.sent] == [PNG]


async def test_files_that_a_visitor_did_not_see_go_by_mail_as_far_as_they_fit(shop: Shop, tmp_path: Path) -> None:
    case = await a_chat(shop)
    small = await uploaded(shop, case, tmp_path)
    large = replace(await uploaded(shop, case, tmp_path, b"%PDF-1.7", "book.pdf"), size_bytes=18_000_000)
    await replied(shop, case, small, large)
    hand_over = HandOver(shop.commands, shop.directory, LIMITS["email"].files)
    shop.clock.wait(600)

    await hand_over.hand_over(shop.command(), *case.ids)

    written = (await shop.since(0))[-1]
    assert isinstance(written, ReplyWritten)
    assert (written.channel, written.text.splitlines()[0]) == ("email", "map.png, book.pdf")
    assert written.attachments == (small,)


async def test_a_template_goes_out_when_the_window_is_closed(shop: Shop) -> None:
    whatsapp = await shop.open_account("whatsapp")
    (receipt,) = await shop.receive(a_message("w-1", "+4930901820"), account_id=whatsapp)
    await shop.hire()
    await shop.route()
    await shop.accept(await shop.case(receipt))
    case, channel = await shop.case(receipt), Channel()
    shop.clock.wait(25 * 3_600)

    with pytest.raises(ReplyWindowClosed):
        await replied(shop, case, text="Sorry")
    await shop.serve.reply(shop.command(), *case.ids, case.agent_id, "", template=HELLO)
    await Sender(shop, {"whatsapp": channel.send}).catch_up()

    (sent,) = channel.sent
    assert (sent.text, sent.template) == ("", replace(HELLO, parameters=("4111 11** **** 1111",)))


async def test_a_channel_without_templates_refuses_them(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)

    with pytest.raises(ChannelTakesNoTemplates):
        await shop.serve.reply(shop.command(), *case.ids, case.agent_id, "", template=HELLO)
    assert shop.clock() == NOON
