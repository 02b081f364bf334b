"""How a template reads: its approved words with what fills them in, or nothing where that does not fit."""

import pytest

from domain.outbound.templates import Approved, Template, wording_of

ORDER = Approved(
    name="order_update",
    language="de",
    header_kind="text",
    header="Bestellung {{1}}",
    body="Hallo {{1}}, Paket {{2}} ist unterwegs. Danke, {{ 1 }}!",
    footer="Ihr Shop",
)
SENT = Template(name="order_update", language="de", parameters=("Ana", "{{1}}"), header="4711")


def test_it_reads_as_header_body_and_footer_each_filled_in_once() -> None:
    assert wording_of(ORDER, SENT) == "Bestellung 4711\n\nHallo Ana, Paket {{1}} ist unterwegs. Danke, Ana!\n\nIhr Shop"


def test_what_has_no_places_reads_as_it_is() -> None:
    plain = Approved(name="thanks", language="de", header_kind="image", body="Danke!")

    assert wording_of(plain, Template(name="thanks", language="de")) == "Danke!"


@pytest.mark.parametrize(
    ("parameters", "header", "body"),
    [
        (("Ana",), "4711", ORDER.body),
        (("Ana", "x", "y"), "4711", ORDER.body),
        (("Ana", "x"), "", ORDER.body),
        (("Ana",), "4711", "Hallo {{first_name}}"),
    ],
    ids=["too few", "too many", "no header", "by name"],
)
def test_where_what_fills_it_in_does_not_fit_nobody_can_say_how_it_reads(
    parameters: tuple[str, ...], header: str, body: str
) -> None:
    approved = Approved(name="order_update", language="de", header=ORDER.header, body=body)
    sent = Template(name="order_update", language="de", parameters=parameters, header=header)

    assert wording_of(approved, sent) == ""


def test_a_reply_is_shown_by_its_wording_else_by_name_and_parameters() -> None:
    assert SENT.summary == "order_update: Ana, {{1}}"
    assert Template(name="order_update", language="de", words="Hallo Ana").summary == "Hallo Ana"
