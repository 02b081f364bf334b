"""The charset of bytes that declare none, told by how they are made: enough for a subject of four characters."""

import re

BYTES_READ_MAX = 4_096
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_SHIFT_JIS_KANA = re.compile(rb"\x82[\x9f-\xf1]|\x83[\x40-\x96]|\x81[\x40-\x5b\x69-\x6a\x75-\x78]")
_ISO_2022 = (
    (b"\x1b$)C", "iso2022_kr"),
    (b"\x1b$", "iso2022_jp_2"),
    (b"\x1b(J", "iso2022_jp_2"),
    (b"\x1b(I", "iso2022_jp_3"),
)
_LONELY = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]{2}(?=[A-Za-z])|(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_FREQUENT_HANGUL = frozenset(
    "이다의는에을를가고하지은기로도한사서나어리인시자아대라니그수스들일해정보있안주문요드합세상전동부제"
)
_YO = frozenset(b"\xa8\xb8\xa3\xb3")
"""The letter ё in the two Russian charsets, the only one outside their alphabet's range."""


def is_escaped(data: bytes) -> bool:
    """Whether it may be one of the ISO 2022 charsets, whose bytes all look like ASCII."""
    return b"\x1b" in data


def guess(data: bytes) -> str:
    """The name of a charset that decodes all of it strictly and looks like it; empty where nothing stands out.

    Western text has lonely bytes above 127 among letters; Cyrillic has runs of them, nearly all in the upper quarter;
    East Asian charsets have pairs, whose first bytes lie where the charset keeps its frequent characters.

    Example: `"张三丰".encode("gb18030")` → `"gb18030"`
    """
    data = data[:BYTES_READ_MAX]
    for escape, name in _ISO_2022:
        if escape in data:
            return name if _decodes(data, name) else ""
    runs = _HIGH_RUN.findall(data)
    high = b"".join(runs)
    if not high:
        return ""
    if len(kana := _SHIFT_JIS_KANA.findall(data)) * 4 >= max(len(high) // 2, 2) and kana and _decodes(data, "cp932"):
        return "cp932"
    is_lonely = len(_LONELY.findall(data)) * 2 > len(runs)
    if not is_lonely or len(high) > len(data) // 2:
        for name in (_russian(high), _of_pairs(data, runs)):
            if name and _decodes(data, name):
                return name
    return "cp1252" if is_lonely and _decodes(data, "cp1252") else ""


def _russian(high: bytes) -> str:
    letters = sum(byte >= 0xC0 or byte in _YO for byte in high)
    if len(high) < 3 or letters < len(high) * 0.95:
        return ""
    return "cp1251" if sum(byte >= 0xE0 for byte in high) * 2 > letters else "koi8_r"


def _of_pairs(data: bytes, runs: list[bytes]) -> str:
    """One of the East Asian charsets. Where all bytes are high and paired, the first bytes tell; else it is Big5."""
    is_paired = all(len(run) % 2 == 0 and min(run) >= 0xA1 for run in runs)
    if not is_paired:
        if _share(_leads_of_big5(data), 0xA1, 0xC6) > 0.8 and _decodes(data, "big5hkscs"):
            return "big5hkscs"
        return next((one for one in ("gb18030", "cp932", "cp949") if _decodes(data, one)), "")
    leads = b"".join(run[::2] for run in runs)
    if sum(lead in {0xA4, 0xA5} for lead in leads) * 4 >= len(leads) and _decodes(data, "euc_jp"):
        return "euc_jp"
    words = [lead for lead in leads if lead >= 0xA4]
    if _share(words, 0xB0, 0xC8) == 1 and _is_korean(b"".join(runs)):
        return "cp949"
    if _share(words, 0xA4, 0xC6) > 0.9 and sum(lead < 0xB0 for lead in words) * 5 > len(words):
        return "big5hkscs"
    return "gb18030"


def _is_korean(high: bytes) -> bool:
    """The frequent characters of Chinese lie where Korean has its syllables, the rare ones among them."""
    syllables = high.decode("cp949", "replace")
    return sum(one in _FREQUENT_HANGUL for one in syllables) * 3 >= len(syllables)


def _leads_of_big5(data: bytes) -> list[int]:
    leads: list[int] = []
    place = 0
    while place < len(data):
        is_lead = data[place] >= 0x81
        leads += [data[place]] if is_lead else []
        place += 2 if is_lead else 1
    return leads


def _share(leads: list[int], first: int, last: int) -> float:
    return sum(first <= lead <= last for lead in leads) / len(leads) if leads else 0.0


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeError as error:
        # What was cut off within a character says nothing against the charset.
        return isinstance(error, UnicodeDecodeError) and len(data) == BYTES_READ_MAX and error.start > len(data) - 4
    return True
