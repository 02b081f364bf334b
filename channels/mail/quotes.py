"""What of a mail's text its sender wrote just now, and what is only quoted. Nothing is cut: parts are folded away."""

from itertools import pairwise

import msgspec

from channels.mail.quoting import marks
from channels.mail.quoting.lines import Introduction, Kind, introductions, kinds_of
from channels.mail.quoting.markup import Quoted, quoted_of
from domain.interaction import Passage

SIGNATURE_LINES_MAX = 20
"""What follows `--` and is longer than this is no signature."""
FOOTER_LINES_MAX = 6
LINES_READ_MAX = 2_000
"""A longer text is shown whole."""


class Kept(msgspec.Struct, frozen=True):
    """Which part of a text to show at first. The rest is there, folded."""

    passages: tuple[Passage, ...] = ()
    """Of the text, in order; none where the whole text is shown."""
    rule: str = ""
    """What decided: `markup`, `delimiter`, `separator`, `attribution`, `header_block`, `quotes`, `signature`, or, where
    quotations are shown since answers stand between them, `interleaved`. Empty where nothing was folded."""


def kept_of(text: str, html: str = "") -> Kept:
    r"""What the sender wrote. Quotations stay where answers stand between them; if nothing is left, all is shown.

    Markup decides where mail programs mark what they quote, else the lines of the text. Never raises.

    Example: `"Yes.\n\nOn Mon, Feb 1, 2016 at 6:32 PM, Ana <ana@example.org> wrote:\n> Is it?"`
    → one passage, from 0 to 4
    """
    lines = text.split("\n")
    if len(lines) > LINES_READ_MAX:
        return Kept()
    kinds = kinds_of(lines)
    quoted = quoted_of(html) if html else Quoted()
    shown, rule = _by_markup(lines, kinds, quoted) if quoted.is_at_end else (None, "")
    if shown is None:
        shown, rule = _by_lines(lines, kinds)
    if all(shown) or not _says(kinds, shown, 0, len(lines)):
        return Kept()
    return Kept(_passages(lines, kinds, shown), rule)


def _by_markup(lines: list[str], kinds: list[Kind], quoted: Quoted) -> tuple[list[bool] | None, str]:
    """The text up to where the markup's quotation begins, if its first words are found in the text."""
    first = quoted.first_line_of(lines)
    if first is None:
        return None, ""
    found = [one for one in introductions(lines[:first], kinds) if one.after <= first]
    for one in reversed(found):
        if all(kind in {Kind.EMPTY, Kind.INTRODUCTION} for kind in kinds[one.after : first]):
            first = one.first
    while first and (marks.RULER.match(lines[first - 1]) or kinds[first - 1] is Kind.EMPTY):
        first -= 1
    shown = [number < first for number in range(len(lines))]
    _fold_signature(lines, kinds, shown, found)
    return shown, "markup"


def _by_lines(lines: list[str], kinds: list[Kind]) -> tuple[list[bool], str]:
    found = introductions(lines, kinds)
    shown = [True] * len(lines)
    rule = _fold_signature(lines, kinds, shown, found)
    has_said = False
    for one, until in pairwise([*found, None]):
        assert one is not None  # only the last of the second ones is
        has_said = has_said or _says(kinds, shown, 0, one.first)
        end = until.first if until else len(lines)
        follows = _first_seen(kinds, shown, one.after, end)
        answer = _answer_after_quote(kinds, shown, one.after)
        if has_said and (follows is not Kind.QUOTE or answer is None or one.rule == "delimiter"):
            shown[one.first :] = [False] * (len(lines) - one.first)
            return shown, one.rule
        if one.rule == "header_block" and not has_said:
            continue  # a form that was filled in looks the same
        shown[one.first : one.after] = [False] * (one.after - one.first)
        rule = one.rule
        if follows is Kind.QUOTE and answer is not None and not has_said and not _is_mixed(kinds, shown, answer):
            shown[one.after : answer] = [False] * (answer - one.after)  # the answer stands below
        elif follows is Kind.QUOTE:
            rule = "interleaved"
    return shown, _fold_last_quotes(kinds, shown) or rule


def _fold_signature(lines: list[str], kinds: list[Kind], shown: list[bool], found: list[Introduction]) -> str:
    """Folds what stands below `--`, up to the next introduction, and what telephones add."""
    rule = ""
    starts = [one.first for one in found] + [len(lines)]
    begun = 0
    for end in starts:
        for place in range(begun, end):
            if kinds[place] is Kind.TEXT and _is_signature(lines, kinds, place, end):
                shown[place:end] = [False] * (end - place)
                rule = "signature"
                break
        if _fold_telephone(lines, kinds, shown, begun, end):
            rule = rule or "signature"
        begun = next((one.after for one in found if one.first == end), end)
    return rule


def _is_signature(lines: list[str], kinds: list[Kind], place: int, end: int) -> bool:
    line = lines[place]
    if line.lstrip()[:1] not in marks.SIGNATURE_SIGNS:
        return False
    below = [number for number in range(place + 1, end) if kinds[number] is not Kind.EMPTY]
    if marks.SIGNATURE.fullmatch(line.rstrip()):
        return len(below) <= SIGNATURE_LINES_MAX and Kind.QUOTE not in {kinds[number] for number in below}
    if marks.LIST_FOOTER.fullmatch(line.strip()):
        return len(below) <= FOOTER_LINES_MAX and all(kinds[number] is Kind.TEXT for number in below)
    return bool(marks.RULER.fullmatch(line)) and not below


def _fold_telephone(lines: list[str], kinds: list[Kind], shown: list[bool], begun: int, end: int) -> bool:
    """From the end upwards, as long as lines are empty, quoted, folded already, or added by a telephone."""
    has_folded = False
    for place in range(end - 1, begun - 1, -1):
        if not shown[place] or kinds[place] in {Kind.EMPTY, Kind.QUOTE}:
            continue
        line = lines[place].strip()
        if len(line) > 120 or not (marks.MOBILE.fullmatch(line) and marks.DEVICE.search(line)):
            break
        shown[place] = False
        has_folded = True
    return has_folded


def _says(kinds: list[Kind], shown: list[bool], first: int, after: int) -> bool:
    return any(shown[place] and kinds[place] is Kind.TEXT for place in range(first, after))


def _first_seen(kinds: list[Kind], shown: list[bool], first: int, after: int) -> Kind | None:
    return next(
        (kinds[place] for place in range(first, after) if shown[place] and kinds[place] is not Kind.EMPTY), None
    )


def _answer_after_quote(kinds: list[Kind], shown: list[bool], first: int) -> int | None:
    """The first line of a person's after the quotation that begins here, or None."""
    for place in range(first, len(kinds)):
        if kinds[place] is Kind.TEXT and shown[place]:
            return place
    return None


def _is_mixed(kinds: list[Kind], shown: list[bool], answer: int) -> bool:
    """Whether more quotation, and then more text, follows the first answer."""
    rest = [kinds[place] for place in range(answer, len(kinds)) if shown[place]]
    return Kind.QUOTE in rest and Kind.TEXT in rest[rest.index(Kind.QUOTE) :]


def _fold_last_quotes(kinds: list[Kind], shown: list[bool]) -> str:
    """Quotations below the last line of a person are folded."""
    last = max((place for place, kind in enumerate(kinds) if shown[place] and kind is Kind.TEXT), default=-1)
    if last < 0 or not any(shown[place] and kinds[place] is Kind.QUOTE for place in range(last, len(kinds))):
        return ""
    shown[last + 1 :] = [False] * (len(kinds) - last - 1)
    return "quotes"


def _passages(lines: list[str], kinds: list[Kind], shown: list[bool]) -> tuple[Passage, ...]:
    """The shown lines, without empty ones at the ends of a passage."""
    passages: list[Passage] = []
    position, start, end = 0, -1, -1
    for line, kind, is_shown in zip(lines, kinds, shown, strict=True):
        if is_shown and kind is not Kind.EMPTY:
            start = position if start < 0 else start
            end = position + len(line)
        elif not is_shown and start >= 0:
            passages.append(Passage(start=start, end=end))
            start = -1
        position += len(line) + 1
    return (*passages, Passage(start=start, end=end)) if start >= 0 else tuple(passages)
