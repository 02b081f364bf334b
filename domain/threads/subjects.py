"""Subjects compared: what mail programs put before and after them is taken off."""

# ruff: noqa: RUF001 - prefixes of other languages

import re

TELLING_LETTERS_MIN = 8
"""A subject shorter than this says nothing: `Hello`, `Order`."""

_REPLY = (
    "re|aw|antw|antwort|sv|ynt|yanıt|odp|odg|ref|res|rif|r|回复|回覆|答复|答覆|返信|回信|ответ|отв|απ|σχετ|atb|bls|hv"
)
_FORWARD = "fwd?|wg|tr|rv|enc|i|vl|vb|vs|doorst|pd|[iİ]lt|redir[.]?|videresend|转发|轉寄|轉發|転送|пересл"
_COUNT = r"\s*(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3}|\*\d{1,3})?\s*(?:[:：]+|-{2,})\s*"
_PREFIX = re.compile(rf"\s*\[?\s*(?:{_REPLY}|{_FORWARD}){_COUNT}", re.IGNORECASE)
_IS_REPLY = re.compile(rf"\s*\[?\s*(?:{_REPLY}){_COUNT}", re.IGNORECASE)
_IS_FORWARD = re.compile(rf"\s*\[?\s*(?:{_FORWARD}){_COUNT}", re.IGNORECASE)
_SUFFIX = re.compile(r"\s*\((?:fwd|fw|re)\)\s*$", re.IGNORECASE)


def normalised(subject: str) -> str:
    """The subject as its writer wrote it first, in lower case with single spaces.

    Example: `"AW: Re[2]: [Fwd: Your  Order 42]"` → `"your order 42"`
    """
    text = " ".join(subject.split())
    while True:
        match = _PREFIX.match(text)
        cut = text[match.end() :] if match else text
        if match and "[" in match[0] and "]" not in match[0]:
            cut = cut.rstrip().removesuffix("]")
        cut = _SUFFIX.sub("", cut)
        if cut == text:
            break
        text = cut
    return " ".join(text.split()).casefold()


def is_reply(subject: str) -> bool:
    """Whether the subject says that it answers something. A forward begins something new."""
    return _IS_REPLY.match(subject) is not None


def is_forward(subject: str) -> bool:
    """Whether the subject says that it is somebody else's mail that is sent on."""
    return _IS_FORWARD.match(subject) is not None


def is_telling(subject: str) -> bool:
    """Whether two mails with this (normalised) subject are likely about the same."""
    return sum(letter.isalnum() * (1 if letter.isascii() else 2) for letter in subject) >= TELLING_LETTERS_MIN
