"""The lines of a plain text, told apart: what a person wrote, what is quoted, and what introduces a quotation."""

from enum import StrEnum

import msgspec

from channels.mail.quoting import marks

ATTRIBUTION_LINES_MAX = 6
ATTRIBUTION_CHARACTERS_MAX = 400
HEADER_CONTINUATION_LINES_MAX = 2
HEADER_BLOCK_LINES_MAX = 40


class Kind(StrEnum):
    """What a line is."""

    EMPTY = "empty"
    TEXT = "text"
    QUOTE = "quote"
    INTRODUCTION = "introduction"
    """`On … wrote:`, a separator, or one of a block of copied headers: what follows is somebody else's mail."""


class Introduction(msgspec.Struct, frozen=True):
    """Where a quotation is introduced: lines from `first` up to, not with, `after`."""

    first: int
    after: int
    rule: str
    """`delimiter`, `separator`, `attribution` or `header_block`."""


def kinds_of(lines: list[str]) -> list[Kind]:
    """What each line is, introductions not yet seen."""
    kinds: list[Kind] = []
    for line in lines:
        if not line.strip(marks.UNSEEN) or not line.strip():
            kinds.append(Kind.EMPTY)
        elif (">" in line or "&gt;" in line) and marks.QUOTED.match(line):
            is_broken = marks.BRACKET_ALONE.match(line) and kinds[-1:] == [Kind.TEXT]
            kinds.append(Kind.TEXT if is_broken else Kind.QUOTE)
        else:
            kinds.append(Kind.TEXT)
    return kinds


def introductions(lines: list[str], kinds: list[Kind]) -> list[Introduction]:
    """Each introduction outside quotations, in order. They do not overlap, and their kinds are set."""
    found: list[Introduction] = []
    place = 0
    while place < len(lines):
        one = _introduction_at(lines, kinds, place, found[-1].after if found else 0)
        if one is None:
            place += 1
            continue
        found.append(one)
        kinds[one.first : one.after] = [Kind.INTRODUCTION] * (one.after - one.first)
        _mark_pipes(lines, kinds, one.after)
        place = one.after
    return found


def _introduction_at(lines: list[str], kinds: list[Kind], place: int, floor: int) -> Introduction | None:
    if kinds[place] is not Kind.TEXT:
        return None
    line = lines[place].strip()
    if marks.OUR_DELIMITER.match(line):
        return Introduction(place, place + 1, "delimiter")
    if not line[0].isdigit() and not any(sign in line for sign in marks.SIGNS) and line[-1] not in marks.ENDS:
        return None  # cheap, and true of most lines
    if marks.SEPARATOR.match(line) or marks.FORWARD_BEGINS.match(line):
        block_end = _header_block_end(lines, kinds, _next_seen(kinds, place + 1), lines_min=1)
        return Introduction(place, max(place + 1, block_end), "separator")
    if line.endswith(marks.ENDS) or line[0].isdigit():
        first = _attribution_start(lines, kinds, place, floor)
        if first is not None:
            return Introduction(first, place + 1, "attribution")
    if marks.HEADER.match(line):
        end = _header_block_end(lines, kinds, place, lines_min=marks.HEADER_LINES_MIN)
        if end:
            return Introduction(_ruler_above(lines, kinds, place, floor), end, "header_block")
    return None


def _attribution_start(lines: list[str], kinds: list[Kind], end: int, floor: int) -> int | None:
    """The line on which the attribution that ends here begins; the longest that makes sense."""
    joined, best = "", None
    for place in range(end, max(floor, end - ATTRIBUTION_LINES_MAX) - 1, -1):
        if kinds[place] is Kind.EMPTY:
            continue  # some programs put the address on a line of its own, between empty ones
        if kinds[place] is not Kind.TEXT:
            break
        joined = f"{lines[place].strip()} {joined}".strip()
        if len(joined) > ATTRIBUTION_CHARACTERS_MAX:
            break
        if is_attribution(joined):
            has_start = marks.STARTS_WITH_DATE.match(joined) is not None
            if best is None or has_start:
                best = place
            if has_start:
                break
    return best


def is_attribution(line: str) -> bool:
    """Whether this is how a mail program says who wrote what is quoted.

    Example: `"Am 03.02.2016 3:35 nachm. schrieb Ana <ana@example.org>:"`
    """
    if marks.GOOGLE_OF_OLD.match(line) or marks.SOMEBODY_WROTE.match(line):
        return True
    if not marks.STARTS_WITH_DATE.match(line) or not marks.DATED.search(line):
        return False
    if marks.WROTE_AT_END.search(line) and line.endswith(marks.ENDS):
        return True
    if not line.endswith(marks.COLONS):
        return False
    return marks.WROTE_WITHIN.search(line) is not None or marks.ADDRESS_AT_END.search(line) is not None


def _header_block_end(lines: list[str], kinds: list[Kind], place: int, *, lines_min: int) -> int:
    """After the last of the copied headers that begin here; 0 where they are too few to be a mail's."""
    seen: set[str] = set()
    begun, end, count = place, 0, 0
    strange = 0
    while place < min(len(lines), begun + HEADER_BLOCK_LINES_MAX):
        header = marks.HEADER.match(lines[place]) if kinds[place] is Kind.TEXT else None
        if header is not None:
            seen.add(header.lastgroup or "")
            count, end, strange = count + 1, place + 1, 0
        elif kinds[place] is Kind.EMPTY and not (count and _is_header(lines, kinds, place + 1)):
            break
        elif kinds[place] is not Kind.EMPTY:
            strange += 1
            if strange > HEADER_CONTINUATION_LINES_MAX or not count:
                break
        place += 1
    is_mail = lines_min == 1 or ("from" in seen and len(seen) >= lines_min)
    return end if count >= lines_min and is_mail else 0


def _is_header(lines: list[str], kinds: list[Kind], place: int) -> bool:
    return place < len(lines) and kinds[place] is Kind.TEXT and marks.HEADER.match(lines[place]) is not None


def _ruler_above(lines: list[str], kinds: list[Kind], place: int, floor: int) -> int:
    """Outlook draws a line above the headers that it copies."""
    above = place - 1
    while above >= floor and kinds[above] is Kind.EMPTY:
        above -= 1
    return above if above >= floor and marks.RULER.match(lines[above]) else place


def _next_seen(kinds: list[Kind], place: int) -> int:
    while place < len(kinds) and kinds[place] is Kind.EMPTY:
        place += 1
    return place


def _mark_pipes(lines: list[str], kinds: list[Kind], place: int) -> None:
    """Bars quote only right after an introduction; elsewhere they draw tables."""
    for number in range(place, len(lines)):
        if kinds[number] is Kind.TEXT:
            if not marks.PIPED.match(lines[number]):
                return
            kinds[number] = Kind.QUOTE
