"""The words around a chat that goes on by mail, in the customer's language."""
# ruff: noqa: RUF001 - punctuation of other languages

import msgspec


class Words(msgspec.Struct, frozen=True):
    """Of one language."""

    said_so_far: str
    """Above the transcript."""
    you: str
    """The customer who gave no name; said politely."""
    we: str
    """Somebody of the shop whose name is not told."""


DEFAULT = "en"
WORDS: dict[str, Words] = {
    "de": Words("Was bisher geschrieben wurde:", "Sie", "Wir"),
    "en": Words("What was said so far:", "You", "We"),
    "es": Words("Lo que se ha dicho hasta ahora:", "Usted", "Nosotros"),
    "fr": Words("Ce qui a été dit jusqu’ici :", "Vous", "Nous"),
    "it": Words("Quanto detto finora:", "Lei", "Noi"),
    "ja": Words("これまでのやり取り：", "お客様", "担当者"),
    "ko": Words("지금까지의 대화:", "고객님", "상담원"),
    "nl": Words("Wat er tot nu toe is gezegd:", "U", "Wij"),
    "pt": Words("O que foi dito até agora:", "Você", "Nós"),
    "zh-Hans": Words("此前的对话：", "您", "我们"),
    "zh-Hant": Words("先前的對話：", "您", "我們"),
}
"""By language tag (BCP 47)."""
TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
"""Subtags of Chinese in traditional characters: the script, or where it is written so (RFC 5646, section 4.1)."""


def words_for(*languages: str) -> Words:
    """Of the first language that there are words for, else in English.

    Example: `("zh-TW",)` → traditional Chinese; `("", "de-AT")` → German; `("xx",)` → English
    """
    for language in languages:
        first, *more = language.lower().replace("_", "-").split("-")
        if first == "zh":
            first = "zh-Hant" if TRADITIONAL & {*more} and "hans" not in more else "zh-Hans"
        if (words := WORDS.get(first)) is not None:
            return words
    return WORDS[DEFAULT]
