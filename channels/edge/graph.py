"""Meta's Graph API on the way out: what WhatsApp, Messenger and Instagram share of sending and of its errors.

The codes of all three stand here together, since none means something else on another of them.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from application.exchange.sending import Accepted, Outcome, Refusal, Rejected, Unknown
from channels.edge.payload import a_dict, a_text, an_identifier, dicts
from channels.edge.posting import REASON_LENGTH_MAX, as_nothing_sent, json_of, post, refused_by_status, retry_after
from channels.edge.text import one_line
from domain.account import AccountDefinition
from domain.outbound.reach import Reach

API_URL = "https://graph.facebook.com/v25.0"
RETRY_LATER = frozenset(
    {1, 2, 4, 17, 32, 341, 613, 80_006, 80_007, 130_429, 131_000, 131_016, 131_048, 131_056, 131_057, 132_069}
    | {133_004}
)
"""Rate limits and passing failures. 2 also comes where the customer blocked a page, so tries must end some day."""
PERSON_ONLY = frozenset({131_056})
"""Of those, what holds back one recipient; the other rate limits hold back the account."""
RATE_OF_ACCOUNT = frozenset({4, 17, 32, 613, 80_006, 80_007, 130_429, 131_048})
WINDOW_CLOSED = frozenset({131_047})
RECIPIENT_GONE = frozenset({551, 131_026, 131_050})
"""551: unavailable, 131026: undeliverable, 131050: stopped what we send."""
ACCOUNT_REFUSED = frozenset({0, 3, 10, 102, 190, 200, 368, 131_005, 131_031, 131_042, 131_045, 133_010})
"""Token, permission, payment, registration or the account itself: every reply would be refused until it is mended."""
WORDS = {
    132_000: "the number of parameters is not that of the template",
    132_001: "there is no approved template of this name in this language",
    132_005: "the template with its parameters is too long",
    132_007: "the template breaks a rule of what may be in it",
    132_012: "a parameter is not of the template's format",
    132_015: "the template is paused, for its quality is low",
    132_016: "the template was paused too often and is disabled",
    132_018: "the template's parameters cannot be read",
    132_068: "the template's form is blocked",
}
"""What is wrong with a template, which no other try mends: Meta's own words name a page of its documentation."""
SUBCODES = {
    (10, 2_018_065): Refusal.WINDOW_CLOSED,
    (10, 2_018_278): Refusal.WINDOW_CLOSED,
    (10, 2_534_022): Refusal.WINDOW_CLOSED,
    (100, 2_018_001): Refusal.RECIPIENT_GONE,
    (100, 2_018_300): Refusal.RECIPIENT_GONE,
    (100, 2_534_014): Refusal.RECIPIENT_GONE,
}
"""Code and subcode, where the code alone would mean something else."""
BLOCKS = frozenset({(10, 2_018_108), (200, 1_545_041), (551, 1_545_041)})
"""Code and subcode of "this person isn't receiving messages from you", and isn't available, which is how Messenger
answers a page that the customer blocked. 131050 is none: it stops marketing only.
"""


RECEIVES_ONLY = Rejected(
    reason="settings.access_token: this account has none, so it only receives",
    refusal=Refusal.OUR_FAULT,
    concerns_account=True,
)


class GraphAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How an account sends."""

    token: str
    """Setting `access_token`. An account without one only receives."""
    api_url: str = API_URL
    """Setting `api_url`, version included; Instagram's own login has another host."""

    @classmethod
    def read(cls, definition: AccountDefinition, api_url: str = API_URL) -> "GraphAccess":
        """From the settings; `api_url` is the default where the account names none."""
        given = definition.settings
        return cls(token=given.get("access_token", ""), api_url=(given.get("api_url") or api_url).rstrip("/"))


async def post_message(client: httpx.AsyncClient, access: GraphAccess, sender: str, body: dict[str, Any]) -> Outcome:
    """One attempt: `POST {api_url}/{sender}/messages`, where `sender` is the phone number's, page's or account's id.

    Example: `{"recipient": {"id": "4357"}, "message": {"text": "Hi"}}` → `{"message_id": "m_x"}` or
    `{"messages": [{"id": "wamid.X"}]}`; refused: `{"error": {"code": 131047, "message": "Re-engagement message"}}`
    """
    if not access.token:
        return RECEIVES_ONLY
    url, headers = f"{access.api_url}/{sender}/messages", {"authorization": f"Bearer {access.token}"}
    answer = await post(client, url, json=body, headers=headers)
    return outcome_of(answer) if isinstance(answer, httpx.Response) else answer


async def upload(
    client: httpx.AsyncClient,
    access: GraphAccess,
    path: str,
    form: Mapping[str, str],
    file: tuple[str, bytes, str],
    *,
    field: str,
) -> str | Rejected:
    """What Meta calls the file from then on: `POST {api_url}/{path}`, a form with the file (name, bytes, type) in the
    field. Nobody was sent anything by it, so that it may be tried again whatever went wrong.

    Example: `{"id": "1013859600285441"}` of WhatsApp, `{"attachment_id": "1857777774821032"}` of Messenger
    """
    if not access.token:
        return RECEIVES_ONLY
    headers = {"authorization": f"Bearer {access.token}"}
    answer = await post(client, f"{access.api_url}/{path}", data=form, files={field: file}, headers=headers)
    if not isinstance(answer, httpx.Response):
        return as_nothing_sent(answer)
    payload = json_of(answer)
    file_id = an_identifier(payload.get("id")) or an_identifier(payload.get("attachment_id"))
    if answer.is_success and file_id:
        return file_id
    outcome = outcome_of(answer)
    reason = f"{answer.status_code} without the id of a file"
    return as_nothing_sent(Unknown(reason=reason) if isinstance(outcome, Accepted) else outcome)


def outcome_of(answer: httpx.Response) -> Outcome:
    """What Meta's answer means. A code that is not known here is our fault until somebody has looked at it."""
    payload = json_of(answer)
    error = a_dict(payload.get("error"))
    if answer.is_success and not error:
        taken = [*dicts(payload.get("messages")), {"id": payload.get("message_id")}]
        provider_id = next((one for one in (an_identifier(item.get("id")) for item in taken) if one), "")
        if not provider_id:
            return Unknown(reason=f"{answer.status_code} without the id of a message")
        return Accepted(provider_id=provider_id, answer=a_text(taken[0].get("message_status")))
    if not error:
        return refused_by_status(answer, answer.reason_phrase)
    return _refused(answer, error)


def _refused(answer: httpx.Response, error: dict[str, Any]) -> Rejected:
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    detail = a_text(a_dict(error.get("error_data")).get("details"))
    words = detail or a_text(error.get("message")) or a_text(error.get("title"))
    words = "; ".join(one for one in (WORDS.get(code, ""), words) if one)
    reason = one_line(f"{code}{f'/{subcode}' if subcode >= 0 else ''} {words}")[:REASON_LENGTH_MAX]
    if (code, subcode) in BLOCKS:
        return Rejected(reason=reason, refusal=Refusal.RECIPIENT_GONE, reach=Reach.BLOCKED)
    if (refusal := SUBCODES.get((code, subcode))) is not None:
        return Rejected(reason=reason, refusal=refusal)
    if code in WINDOW_CLOSED:
        return Rejected(reason=reason, refusal=Refusal.WINDOW_CLOSED)
    if code in RECIPIENT_GONE:
        return Rejected(reason=reason, refusal=Refusal.RECIPIENT_GONE)
    if code in ACCOUNT_REFUSED:
        return Rejected(reason=reason, refusal=Refusal.OUR_FAULT, concerns_account=True)
    if code in RETRY_LATER or answer.status_code == 429 or answer.status_code >= 500:
        is_accounts = code in RATE_OF_ACCOUNT or (answer.status_code == 429 and code not in PERSON_ONLY)
        return Rejected(
            reason=reason,
            refusal=Refusal.RETRY_LATER,
            retry_after_seconds=retry_after(answer),
            concerns_account=is_accounts,
        )
    return Rejected(reason=reason, refusal=Refusal.OUR_FAULT)


def _number(value: Any) -> int:
    text = a_text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
