"""Card numbers are masked wherever they stand; other numbers stay as they are."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.card_numbers import mask

SEPARATORS = ["", " ", "-", ".", "\u00a0", "\u2009", "\u2011", " - ", "\u200b", "\n"]
SCRIPTS = ["0123456789", "0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19", "٠١٢٣٤٥٦٧٨٩"]
ORDINARY = (
    "Hello, I ordered the blue jacket on 12 May (order 100-2233445) and it still has not arrived. Could you please "
    "check where it is? My number is +49 170 1234567. Thanks a lot, Maria"
)


def luhn_sum(digits: list[int]) -> int:
    """By the textbook: every second digit from the right is doubled, the digits of the result added up."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += sum(divmod(2 * digit, 10)) if place % 2 else digit
    return total


@st.composite
def numbers(draw: st.DrawFn, *, is_card: bool, separators: list[str] = SEPARATORS) -> tuple[str, str]:
    """A number as somebody writes it, and its bare digits."""
    digits = draw(st.lists(st.integers(0, 9), min_size=11, max_size=18))
    right = -luhn_sum([*digits, 0]) % 10
    digits.append(right if is_card else (right + draw(st.integers(1, 9))) % 10)
    script = draw(st.sampled_from(SCRIPTS))
    gaps = [draw(st.sampled_from(separators)) for _ in digits[1:]]
    written = "".join(script[digit] + gap for digit, gap in zip(digits, [*gaps, ""], strict=True))
    return written, "".join(map(str, digits))


@given(numbers(is_card=True), st.sampled_from(["", "my card: ", "visa", "卡号", "(", "Karte\n"]))
def test_a_card_number_is_masked_however_it_is_written(number: tuple[str, str], before: str) -> None:
    written, digits = number

    masked = mask(f"{before}{written}, thanks")

    left = "".join(str(int(sign)) for sign in masked if sign.isdecimal())
    assert left == digits[:6] + digits[-4:]
    assert masked.count("*") == len(digits) - 10
    assert len(masked) == len(f"{before}{written}, thanks")


@given(numbers(is_card=False, separators=[""]))
def test_an_order_number_that_fails_the_luhn_sum_is_left_alone(number: tuple[str, str]) -> None:
    written, _ = number

    assert mask(f"order {written}.") == f"order {written}."


@given(st.text())
def test_any_text_keeps_its_length_and_everything_but_digits(text: str) -> None:
    masked = mask(text)

    assert len(masked) == len(text)
    assert all(new == old or (new == "*" and old.isdecimal()) for new, old in zip(masked, text, strict=True))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("card 4111 1111 1111 1111, thanks", "card 4111 11** **** 1111, thanks"),
        ("order 12 4111 1111 1111 1111 03/27 123", "order 12 4111 11** **** 1111 03/27 123"),
        ("41-11 1111 1111 11 11 03/2027 123", "41-11 11** **** 11 11 03/2027 123"),
        ("3782 822463 10005 and 5500-0000-0000-0004", "3782 82**** *0005 and 5500-00**-****-0004"),
        ("+49 170 1234567 4111 1111 1111 1111", "+49 170 1234567 4111 11** **** 1111"),
        ("4111111111111111", "411111******1111"),
    ],
)
def test_only_the_middle_of_a_card_number_goes(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+4111111111111111",
        "\uff0b4111111111111111",
        "https://shop.example/orders/4111111111111111?x=5500000000000004",
        "550e8400-e29b-41d4-a716-446655440000",
        "A4111111111111111",
        "order 4111 1111 1111 1112",
        "41-11 1111 1111 11 1112",
        "192.168.100.200",
        "4111111111111111" * 2,
        ORDINARY,
    ],
)
def test_phone_numbers_links_ids_and_addresses_are_left_alone(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("text", ["1 " * 50_000, "1234 " * 20_000, "1" * 100_000, ("1 " * 11 + "a") * 4_000])
def test_the_longest_message_of_digits_takes_no_more_than_seconds(text: str) -> None:
    assert min(timeit.repeat(lambda: mask(text), number=1, repeat=1)) < 3
