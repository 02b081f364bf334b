"""SMS: messages, files, opt-outs and what became of what we sent."""

from itertools import permutations
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from channels import sms
from channels.edge.numbers import sms_address
from channels.edge.payload import Delivery, UnreadablePayload
from domain.intake import DeliveryReport, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from domain.outbound.reach import Reach
from tests.channels.posted import NOON, an_account, posted

ACCOUNT = replace(an_account("sms", "+4915735980000", account_sid="AC1", auth_token="t"), default_region="DE")


def read(**fields: str) -> Delivery:
    whole = {
        "MessageSid": "SM1",
        "SmsStatus": "received",
        "From": "+4930901820",
        "To": "+4915735980000",
        "NumMedia": "0",
    }
    form = urlencode(whole | fields)
    return sms.parse(ACCOUNT, posted(form.encode()))


def only_message(**fields: str) -> InboundMessage:
    ((address, message),) = read(**fields).messages
    assert address == "+4915735980000"
    return message


def test_a_text_says_who_and_what() -> None:
    message = only_message(Body="Grüße 😀", FromCity="Berlin", OriginalRepliedMessageSid="SM0")

    content = Content(text="Grüße 😀", about="SM0")
    assert message == InboundMessage(provider_id="SM1", handle="+4930901820", content=content, occurred_at=NOON)


@pytest.mark.parametrize(
    ("number", "region", "address"),
    [
        ("+4930901820", "", "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("0049 30 901820", "DE", "+4930901820"),
        ("82257", "DE", "82257"),
        ("My Shop", "DE", "My Shop"),
        ("1800FLOWERS", "US", "1800FLOWERS"),
        ("whatsapp:+4930901820", "DE", "whatsapp:+4930901820"),
        ("030 901820", "", "030 901820"),
        ("99999999999999999999", "DE", "99999999999999999999"),
        ("", "DE", ""),
    ],
)
def test_numbers_become_international_and_short_codes_and_names_stay(number: str, region: str, address: str) -> None:
    assert sms_address(number, region) == address


def test_files_come_as_references_and_the_first_says_the_kind() -> None:
    fields = {"NumMedia": "2", "MediaUrl0": "https://api.twilio.com/m/0", "MediaContentType0": "image/jpeg"}

    message = only_message(
        Body="Look", **fields, MediaUrl1="https://api.twilio.com/m/1", MediaContentType1="text/vcard"
    )

    first = Attachment(content_type="image/jpeg", reference="https://api.twilio.com/m/0")
    second = Attachment(content_type="text/vcard", reference="https://api.twilio.com/m/1")
    assert message.content == Content(kind=ContentKind.IMAGE, text="Look", attachments=(first, second))


@pytest.mark.parametrize(("opt_out", "said"), [("STOP", "unsubscribed"), ("START", "again"), ("HELP", "help")])
def test_an_opt_out_is_shown_to_the_agent(opt_out: str, said: str) -> None:
    message = only_message(Body=opt_out.lower(), OptOutType=opt_out)

    assert (message.kind, message.content.kind) == ("system", ContentKind.SYSTEM)
    assert said in message.content.text


@pytest.mark.parametrize(
    ("fields", "reach"),
    [
        ({"Body": "stop", "OptOutType": "STOP"}, Reach.UNSUBSCRIBED),
        ({"Body": "start", "OptOutType": "START"}, Reach.OPEN),
        ({"Body": "help", "OptOutType": "HELP"}, None),
        ({"Body": " Unstop "}, Reach.OPEN),
        ({"Body": "When do we start?"}, None),
    ],
)
def test_an_opt_out_says_whether_replies_reach_them(fields: dict[str, str], reach: Reach | None) -> None:
    assert only_message(**fields).content.reach is reach


def test_a_receipt_tells_of_an_opt_out_too() -> None:
    ((_, gone),) = read(MessageStatus="failed", ErrorCode="21610").reports
    ((_, filtered),) = read(MessageStatus="failed", ErrorCode="30007").reports

    assert (gone.reach, filtered.reach) == (Reach.UNSUBSCRIBED, None)


def test_a_message_without_text_or_file_is_said_to_be_one() -> None:
    assert only_message().content.kind is ContentKind.UNSUPPORTED


@pytest.mark.parametrize(
    ("status", "stands_for", "code", "reason"),
    [
        ("sent", DeliveryStatus.SENT, "", ""),
        ("delivered", DeliveryStatus.DELIVERED, "", ""),
        ("read", DeliveryStatus.READ, "", ""),
        ("undelivered", DeliveryStatus.FAILED, "30007", "30007 the carrier filtered it as unwanted"),
        ("failed", DeliveryStatus.FAILED, "39999", "39999"),
        ("failed", DeliveryStatus.FAILED, "é" * 9, ""),
    ],
)
def test_a_status_says_what_became_of_what_we_sent(
    status: str, stands_for: DeliveryStatus, code: str, reason: str
) -> None:
    delivery = read(MessageStatus=status, SmsStatus=status, From="+4915735980000", To="+4930901820", ErrorCode=code)

    report = DeliveryReport(provider_id="SM1", status=stands_for, occurred_at=NOON, handle="+4930901820", reason=reason)
    assert delivery == Delivery(reports=[("+4915735980000", report)])


@pytest.mark.parametrize("status", ["queued", "accepted", "sending", "scheduled", "partying"])
def test_other_statuses_are_counted_only(status: str) -> None:
    assert read(MessageStatus=status) == Delivery(ignored=[f"status:{status}"])


def test_an_account_that_is_a_messaging_service_is_called_by_its_id() -> None:
    raw = urlencode({"MessageSid": "SM1", "From": "+1", "To": "+2", "Body": "x", "MessagingServiceSid": "MG1"}).encode()

    addresses = [
        sms.parse(account, posted(raw)).messages[0][0] for account in (ACCOUNT, replace(ACCOUNT, address="MG1"))
    ]

    assert addresses == ["+2", "MG1"]


def test_a_json_body_is_read_like_a_form_and_calls_are_not_ours() -> None:
    raw = b'{"MessageSid": "SM1", "From": "+4930901820", "To": "+4915735980000", "Body": "Hi", "NumMedia": 0}'

    delivery = sms.parse(ACCOUNT, posted(raw, {"content-type": "application/json"}))

    assert delivery.messages[0][1].content.text == "Hi"
    assert sms.parse(ACCOUNT, posted(b"CallSid=CA1&CallStatus=ringing")).ignored == ["call:ringing"]


@pytest.mark.parametrize("raw", [b"", b"Body=x", b"{}", b"\xff\xfe", b"&" * 10_000, b"a=1&" * 2_000])
def test_what_is_no_delivery_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        sms.parse(ACCOUNT, posted(raw))


@given(raw=st.binary(), header=st.sampled_from(["", "application/json"]))
def test_any_bytes_are_read_or_refused(raw: bytes, header: str) -> None:
    for body in (raw, b"MessageSid=" + raw, b"MessageSid=SM1&Body=" + raw):
        try:
            sms.parse(ACCOUNT, posted(body, {"content-type": header}))
        except UnreadablePayload:
            continue


NAMES = ["MessageStatus", "OptOutType", "MediaUrl0", "MediaContentType0", "ErrorCode", "From", "To", "CallSid", "Body"]


@given(fields=st.dictionaries(st.sampled_from(NAMES), st.text()))
def test_of_any_form_with_an_id_exactly_one_thing_is_read(fields: dict[str, str]) -> None:
    raw = urlencode({"MessageSid": "SM1"} | fields, errors="replace").encode()

    delivery = sms.parse(ACCOUNT, posted(raw))

    assert len(delivery.messages) + len(delivery.reports) + len(delivery.ignored) == 1


def test_repeated_and_shuffled_deliveries_give_the_same_items() -> None:
    forms = [{"Body": "1"}, {"MessageSid": "SM2", "Body": "2"}, {"MessageSid": "SM3", "MessageStatus": "delivered"}]

    def items(order: tuple[dict[str, str], ...]) -> set[tuple[str, str]]:
        deliveries = [read(**fields) for fields in order]
        reports = {(one.status, one.provider_id) for delivery in deliveries for _, one in delivery.reports}
        return reports | {(one.kind, one.provider_id) for delivery in deliveries for _, one in delivery.messages}

    assert {frozenset(items((*order, *order))) for order in permutations(forms)} == {frozenset(items(tuple(forms)))}
    assert len(items(tuple(forms))) == 3
