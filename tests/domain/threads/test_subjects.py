"""Subjects: what programs put before and after them in many languages is taken off."""

# ruff: noqa: RUF001 - prefixes of other languages

import pytest

from domain.threads.subjects import is_reply, is_telling, normalised

SUBJECTS = (
    """
Re: your order 42|RE: RE: your order 42|Re[2]: your order 42|Re^3: your order 42|Re(2): your order 42|Re:: your order 42
RE--your order 42|[Re: your order 42]|AW: your order 42|Antw: your order 42|SV: your order 42|Antwort: your order 42
YNT: your order 42|Odp: your order 42|RES: your order 42|RIF: your order 42|R: your order 42|回复：your order 42
答复: your order 42|回覆: your order 42|返信: your order 42|Отв: your order 42|aw:  Your   Order 42
Re: Fwd: your order 42
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
FORWARDS = (
    "Fwd: your order 42|FW: your order 42|WG: your order 42|TR : your order 42|RV: your order 42|转发: your order 42"
)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_reply_prefix_is_taken_off_in_many_languages(subject: str) -> None:
    assert (normalised(subject), is_reply(subject)) == ("your order 42", True)


@pytest.mark.parametrize(
    "subject", [*FORWARDS.split("|"), "[Fwd: your order 42]", "your order 42 (fwd)", "your order 42"]
)
def test_a_forward_and_a_first_mail_answer_nothing(subject: str) -> None:
    assert (normalised(subject), is_reply(subject)) == ("your order 42", False)


@pytest.mark.parametrize("subject", ["", "Re:", "hello", "order", "hi :-)", "???????????"])
def test_a_subject_that_says_nothing_joins_nothing(subject: str) -> None:
    assert not is_telling(normalised(subject))
