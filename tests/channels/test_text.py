"""Cleaning: what people write comes out storable, and names cannot pretend."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.edge.text import clean, file_name, one_line, without_controls

any_text = st.text(st.characters())


@given(any_text)
def test_clean_text_can_be_stored_and_loses_nothing_else(text: str) -> None:
    cleaned = clean(text)

    assert cleaned == "".join(sign for sign in text if sign != "\0" and not "\ud800" <= sign <= "\udfff")
    assert "\0" not in cleaned.encode().decode()


@given(any_text)
def test_control_characters_go_and_line_ends_stay(text: str) -> None:
    cleaned = without_controls(f"a\tb\r\n{text}")

    assert cleaned.startswith("a\tb\r\n")
    assert not any(sign < " " and sign not in "\t\r\n" for sign in cleaned)


@given(any_text)
def test_a_name_is_one_line_of_bounded_length(text: str) -> None:
    name = one_line(text)

    assert name == name.strip()
    assert len(name) <= 256
    assert not set(name) & set("\n\r\0\u202e\u2066\ud800")


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\docs\bill.pdf", "bill.pdf"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("a\x00b\r\nc.txt", "a b c.txt"),
        ("..", ""),
        ("Rechnung Übersicht 😀.pdf", "Rechnung Übersicht 😀.pdf"),
        ("x" * 300 + ".pdf", "x" * 252 + ".pdf"),
    ],
)
def test_a_file_name_is_bare_and_honest(given_name: str, shown: str) -> None:
    assert file_name(given_name) == shown
