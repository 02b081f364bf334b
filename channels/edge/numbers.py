"""Telephone numbers as others write them, in one form."""

import phonenumbers

from channels.edge.text import one_line

NUMBER_LENGTH_MAX = 64
SUBSCRIBER_DIGITS_MIN = 7
"""Shorter ones are short codes, which belong to a country's network and have no international form."""


def sms_address(number: str, region: str) -> str:
    """The number in E.164 where it is one; short codes and senders made of letters as they are.

    Example: `("030 901820", "DE")` → `"+4930901820"`; `("82257", "DE")` → `"82257"`; `("My Shop", "")` → `"My Shop"`
    """
    given = one_line(number, length_max=NUMBER_LENGTH_MAX)
    if any(sign.isalpha() for sign in given) or sum(sign.isdecimal() for sign in given) < SUBSCRIBER_DIGITS_MIN:
        return given
    try:
        parsed = phonenumbers.parse(given, region.upper() or None)
    except phonenumbers.NumberParseException:
        return given
    if not phonenumbers.is_possible_number(parsed):
        return given
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
