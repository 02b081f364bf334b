"""Card numbers: found in what people write and masked, because what is stored is stored for ever."""

import re
from html import escape, unescape
from itertools import accumulate

from msgspec.structs import replace

from domain.interaction import Content

CARD_DIGITS_MIN = 12
CARD_DIGITS_MAX = 19
PHONE_DIGITS_MIN = 7
PHONE_DIGITS_MAX = 15
"""ITU-T E.164: what follows a plus sign is a telephone number of at most so many digits."""

_SEPARATORS = r"\s.\-_/·•\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff\uff0d\uff0e"
_RUN = re.compile(rf"\d(?:[{_SEPARATORS}]{{0,3}}\d){{11,}}")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"(?:[^\W\d_]{3}|[^\W\d_a-zA-Z])\Z")
"""What may stand right before a card number: a word (`visa4111…`, `卡号4111…`), not the letter of a code (`A4111…`)."""
_LEFT_ALONE = re.compile(
    r"(?:https?://|www\.)[^\s<>\"]+|(?<!\w)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?!\w)", re.IGNORECASE
)
_IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_EXPIRY = re.compile(rf"[{_SEPARATORS}]+(?:0[1-9]|1[0-2])[{_SEPARATORS}]*(?:20)?\d\d(?:[{_SEPARATORS}]+\d{{3,4}})?\Z")
_TAG = re.compile(r"<[^<>]*>")
_IS_DIGIT = bytes(48 <= byte <= 57 for byte in range(256))
"""A table for `translate`: 1 for a digit of ASCII, else 0."""
_CARD_SHAPES = frozenset({(4, 6, 5), (4, 6, 4), (4, 4, 5), (6, 13), (8, 8)})
"""How cards print their digits, beside groups of four: American Express, Diners, old Maestro."""


def mask(text: str) -> str:
    """The text with every card number masked except its first six and last four digits.

    A card number is 12 to 19 digits (any script's, up to three separators between two of them) whose Luhn sum
    (ISO/IEC 7812-1) is right. Numbers that begin with a plus sign, IP addresses, UUIDs and what stands in a URL are
    left alone. A tenth of all other numbers of that length have a right sum by chance and are masked too.

    Example: `"card 4111 1111 1111 1111, thanks"` → `"card 4111 11** **** 1111, thanks"`
    """
    if len(text) < CARD_DIGITS_MIN or _digits(text) < CARD_DIGITS_MIN:
        return text
    found = [
        (run.start() + start, run.start() + end)
        for run in _RUN.finditer(text)
        for start, end in _cards(run.group(), text[max(0, run.start() - 8) : run.start()])
    ]
    left_alone = [match.span() for match in _LEFT_ALONE.finditer(text)] if found else []
    pieces: list[str] = []
    done = 0
    for start, end in found:
        if not any(first <= start < last for first, last in left_alone):
            pieces += text[done:start], _masked(text[start:end])
            done = end
    return "".join([*pieces, text[done:]])


def mask_markup(html: str) -> str:
    """The markup with every card number masked; without its tags where those, or entities, hide one.

    Example: `"<p>4111 1111 <b>1111</b> 1111</p>"` → `"4111 11** **** 1111"`
    """
    if not html or _digits(html) < CARD_DIGITS_MIN:
        return html
    html = mask(html)
    said = unescape(_TAG.sub("", html))
    return html if (masked := mask(said)) == said else escape(masked)


def _digits(text: str) -> int:
    """How many digits there are; in ASCII, which most texts are, counted seven times as fast."""
    if text.isascii():
        return text.encode().translate(_IS_DIGIT).count(1)
    return sum(map(str.isdecimal, text))


def _cards(run: str, before_run: str) -> list[tuple[int, int]]:
    """Where in a run of digits and separators card numbers stand, given the few characters before it.

    The run is one as a whole (an expiry date may follow), else those of its parts are that have a card's printed shape:
    in a list of numbers some neighbours always add up, so that any other part proves nothing.
    """
    if _IP_ADDRESS.fullmatch(run):
        return []
    is_code = before_run.endswith(("_", "@")) or (before_run[-1:].isalpha() and _WORD.search(before_run) is None)
    groups = [match.span() for match in _DIGITS.finditer(run)][int(is_code) :]
    if before_run.rstrip()[-1:] in {"+", "\uff0b"}:
        return _printed_cards(run, _after_phone_number(groups))
    expiry = _EXPIRY.search(run)
    for end in (len(run), expiry.start() if expiry else 0):
        if groups and _is_card(run[groups[0][0] : end]):
            return [(groups[0][0], end)]
    return _printed_cards(run, groups)


def _after_phone_number(groups: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The groups of digits that cannot belong to the telephone number at their head."""
    before = [0, *accumulate(end - start for start, end in groups)]
    if before[-1] <= PHONE_DIGITS_MAX:
        return []
    return [group for group, digits in zip(groups, before, strict=False) if digits >= PHONE_DIGITS_MIN]


def _printed_cards(run: str, groups: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    place = 0
    while place < len(groups):
        sizes = [end - start for start, end in groups[place : place + 5]]
        counts = [count for count in range(len(sizes), 0, -1) if _is_printed_shape(sizes[:count])]
        spans = [(groups[place][0], groups[place + count - 1][1]) for count in counts]
        right = [(count, span) for count, span in zip(counts, spans, strict=True) if _is_card(run[slice(*span)])]
        if right:
            found.append(right[0][1])
        place += right[0][0] if right else 1
    return found


def _is_printed_shape(sizes: list[int]) -> bool:
    are_fours = len(sizes) > 3 and all(size == 4 for size in sizes[:-1]) and sizes[-1] <= 4
    return len(sizes) == 1 or are_fours or tuple(sizes) in _CARD_SHAPES


def _is_card(written: str) -> bool:
    digits = [sign for sign in written if sign.isdecimal()]
    return CARD_DIGITS_MIN <= len(digits) <= CARD_DIGITS_MAX and _is_luhn(digits)


def _is_luhn(digits: list[str]) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    return sum(values[0::2] + [2 * value - 9 * (value > 4) for value in values[1::2]]) % 10 == 0


def _masked(number: str) -> str:
    digits = [place for place, sign in enumerate(number) if sign.isdecimal()]
    hidden = set(digits[6:-4])
    return "".join("*" if place in hidden else sign for place, sign in enumerate(number))


def without_cards(content: Content) -> Content:
    """The content with card numbers masked. Markup is masked too, and not kept where the text beside it held one."""
    text, html = mask(content.text), mask_markup(content.html)
    if (text, html) == (content.text, content.html):
        return content
    return replace(content, text=text, html=html if text == content.text else "")
