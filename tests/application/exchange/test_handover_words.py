"""The words around a chat that goes on by mail are of the customer's language, as far as we have them."""

import pytest

from application.exchange.handover_words import WORDS, words_for


@pytest.mark.parametrize(
    ("languages", "tag"),
    [
        (("de",), "de"),
        (("de-AT", "fr"), "de"),
        (("", "", "FR"), "fr"),
        (("pt_BR",), "pt"),
        (("zh",), "zh-Hans"),
        (("zh-CN",), "zh-Hans"),
        (("zh-Hans-HK",), "zh-Hans"),
        (("zh-Hant",), "zh-Hant"),
        (("zh-TW",), "zh-Hant"),
        (("zh-hk",), "zh-Hant"),
        (("ja-JP",), "ja"),
        (("xx", "es-419"), "es"),
        (("tlh",), "en"),
        (("", "-", "  "), "en"),
        ((), "en"),
    ],
)
def test_the_first_language_that_there_are_words_for_counts(languages: tuple[str, ...], tag: str) -> None:
    assert words_for(*languages) is WORDS[tag]


def test_every_language_has_all_of_its_words() -> None:
    assert {"en", "zh-Hans", "zh-Hant", "de", "fr", "es", "ja"} <= WORDS.keys()
    for words in WORDS.values():
        told = (words.said_so_far, words.you, words.we)
        assert all(one.strip() == one != "" for one in told)
        assert words.said_so_far.endswith((":", "：")), "a list follows"  # noqa: RUF001
    assert len({words.said_so_far for words in WORDS.values()}) == len(WORDS)
