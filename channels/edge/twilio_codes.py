"""Twilio's error codes: which of the four refusals each is, and what a carrier's outcome means to an agent.

Source: Twilio's error and warning dictionary. The same codes come in answers and in status callbacks.
"""

from application.exchange.sending import Refusal

REFUSALS = {
    20_429: Refusal.RETRY_LATER,
    21_611: Refusal.RETRY_LATER,
    30_001: Refusal.RETRY_LATER,
    63_018: Refusal.RETRY_LATER,
    63_016: Refusal.WINDOW_CLOSED,
    21_211: Refusal.RECIPIENT_GONE,
    21_217: Refusal.RECIPIENT_GONE,
    21_610: Refusal.RECIPIENT_GONE,
    21_614: Refusal.RECIPIENT_GONE,
    30_003: Refusal.RECIPIENT_GONE,
    30_004: Refusal.RECIPIENT_GONE,
    30_005: Refusal.RECIPIENT_GONE,
    30_006: Refusal.RECIPIENT_GONE,
}
ACCOUNT = frozenset({20_003, 20_005, 20_429, 21_606, 21_611, 30_001, 30_002, 63_018})
"""Every message of the account, or of its number, would fare the same."""
OPTED_OUT = 21_610
MEANINGS = {
    OPTED_OUT: "the customer unsubscribed with STOP",
    30_001: "too many messages wait at Twilio",
    30_002: "Twilio suspended the account",
    30_003: "the handset cannot be reached: off, out of reach or roaming",
    30_004: "the number blocks messages",
    30_005: "the number is unknown or not in use",
    30_006: "a landline, or a carrier that cannot be reached",
    30_007: "the carrier filtered it as unwanted",
    30_008: "the carrier gave no reason",
}
"""Of the codes that agents meet."""
