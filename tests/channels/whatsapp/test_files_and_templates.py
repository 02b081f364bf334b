"""Files and templates on their way out by WhatsApp: what is uploaded, what is sent, and what each trouble means."""

from typing import Any

import pytest

from application.exchange.sending import Accepted, Outcome, Outgoing, OutgoingFile, Refusal, Rejected
from channels import whatsapp
from domain.account import AccountDefinition
from domain.outbound.templates import ButtonKind, Template, TemplateButton
from tests.channels.posted import an_account
from tests.channels.replies import PNG, a_file, a_reply, attempted, form_of
from tests.channels.scripted_provider import (
    Scripted,
    Taken,
    accepts_whatsapp,
    answers,
    graph_error,
)

UPLOADED = answers(200, {"id": "1013859600285441"})
PAPER = a_file("document", "application/pdf", "Rechnung ü.pdf", b"%PDF-1.7")
ORDER = Template(name="order_update", language="de", parameters=("Ana", "4711"))


def account(url: str) -> AccountDefinition:
    given = {"app_secret": "s", "verify_token": "v", "access_token": "token-1", "api_url": url}
    return an_account("whatsapp", "1122334455667", **given)


def sent(*script: Scripted, **changes: Any) -> tuple[Outcome, list[Taken]]:
    reply: Outgoing = a_reply(**{"handle": "+972987654321", "in_reply_to": "wamid.Q", **changes})
    return attempted(whatsapp.send, account, *script, accepts=accepts_whatsapp, reply=reply)


def test_a_file_is_uploaded_and_then_sent_by_its_id() -> None:
    outcome, (uploading, sending) = sent(UPLOADED, files=(a_file("image"),), text="Here")

    form = form_of(uploading)
    assert uploading.path == "/1122334455667/media"
    assert uploading.headers["authorization"] == "Bearer token-1"
    assert form["file"] == ("map.png", "image/png", PNG)
    assert (form["messaging_product"][2], form["type"][2]) == (b"whatsapp", b"image/png")
    assert sending.path == "/1122334455667/messages"
    assert sending.json["type"] == "image"
    assert sending.json["image"] == {"id": "1013859600285441", "caption": "Here"}
    assert sending.json["context"] == {"message_id": "wamid.Q"}
    assert sending.json["biz_opaque_callback_data"] == "message-1"
    assert outcome == Accepted(provider_id="wamid.2")


@pytest.mark.parametrize(
    ("file", "text", "content"),
    [
        (PAPER, "Hi", {"id": "1013859600285441", "filename": "Rechnung ü.pdf", "caption": "Hi"}),
        (PAPER, "", {"id": "1013859600285441", "filename": "Rechnung ü.pdf"}),
        (a_file("audio", "audio/ogg"), "", {"id": "1013859600285441"}),
        (a_file("video", "video/mp4"), "", {"id": "1013859600285441"}),
    ],
)
def test_each_kind_is_named_in_its_own_way(file: OutgoingFile, text: str, content: dict[str, str]) -> None:
    _, (_, sending) = sent(UPLOADED, files=(file,), text=text)

    assert (sending.json["type"], sending.json[file.sent_as]) == (file.sent_as, content)


def test_a_template_goes_with_what_fills_it_in() -> None:
    outcome, (sending,) = sent(text="", template=ORDER)

    assert isinstance(outcome, Accepted)
    assert sending.json["type"] == "template"
    assert sending.json["template"] == {
        "name": "order_update",
        "language": {"code": "de"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "4711"}]}
        ],
    }
    assert "context" not in sending.json


def test_a_template_without_parameters_has_no_components() -> None:
    _, (sending,) = sent(text="", template=Template(name="thanks", language="en_US"))

    assert sending.json["template"] == {"name": "thanks", "language": {"code": "en_US"}}


def test_a_template_may_have_a_file_for_a_header_and_buttons() -> None:
    buttons = (
        TemplateButton(index=0, kind=ButtonKind.URL, text="4711"),
        TemplateButton(index=1, kind=ButtonKind.QUICK_REPLY, text="STOP"),
    )
    _, (_, sending) = sent(
        UPLOADED, text="", files=(PAPER,), template=Template(name="bill", language="de", buttons=buttons)
    )

    document = {"id": "1013859600285441", "filename": "Rechnung ü.pdf"}
    assert sending.json["template"]["components"] == [
        {"type": "header", "parameters": [{"type": "document", "document": document}]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "4711"}]},
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "1",
            "parameters": [{"type": "payload", "payload": "STOP"}],
        },
    ]


def test_a_header_of_text_is_filled_in_too() -> None:
    _, (sending,) = sent(text="", template=Template(name="hi", language="de", header="Ana"))

    assert sending.json["template"]["components"] == [
        {"type": "header", "parameters": [{"type": "text", "text": "Ana"}]}
    ]


@pytest.mark.parametrize(
    ("code", "refusal", "words"),
    [
        (132_000, Refusal.OUR_FAULT, "132000 the number of parameters is not that of the template"),
        (132_001, Refusal.OUR_FAULT, "132001 there is no approved template of this name in this language"),
        (132_012, Refusal.OUR_FAULT, "132012 a parameter is not of the template's format"),
        (132_015, Refusal.OUR_FAULT, "132015 the template is paused, for its quality is low"),
        (132_016, Refusal.OUR_FAULT, "132016 the template was paused too often and is disabled"),
        (132_069, Refusal.RETRY_LATER, "132069 "),
    ],
)
def test_what_is_wrong_with_a_template_is_said_in_words(code: int, refusal: Refusal, words: str) -> None:
    outcome, _ = sent(graph_error(code, "(#100) Meta's words"), text="", template=ORDER)

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, outcome.concerns_account) == (refusal, False)
    assert outcome.reason.startswith(words)
    assert outcome.reason.endswith("(#100) Meta's words")
