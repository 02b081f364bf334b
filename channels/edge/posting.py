"""A request to a provider that sends something: what can go wrong on the way, as an outcome instead of an exception."""

from typing import Any

import httpx

from application.exchange.sending import Refusal, Rejected, Unknown
from channels.edge.text import one_line

RETRY_AFTER_SECONDS_MAX = 24 * 3_600.0
REASON_LENGTH_MAX = 300


async def post(client: httpx.AsyncClient, url: str, **request: Any) -> httpx.Response | Rejected | Unknown:
    """The provider's answer, whatever its status; `request` is what `httpx.AsyncClient.post` takes.

    No connection: nothing left, so it may be tried again. A connection that breaks or falls silent later: unknown.
    """
    try:
        return await client.post(url, **request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        reason = f"the provider cannot be reached: {_said(error)}"
        return Rejected(reason=reason, refusal=Refusal.RETRY_LATER, concerns_account=True)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError) as error:
        return Rejected(reason=f"the request cannot be made: {_said(error)}", refusal=Refusal.OUR_FAULT)
    except httpx.HTTPError as error:
        return Unknown(reason=f"the provider took the request and did not answer: {_said(error)}")


def as_nothing_sent(outcome: Rejected | Unknown) -> Rejected:
    """Of a step before the sending itself, as an upload is: whether it was carried out does not matter to anybody."""
    return outcome if isinstance(outcome, Rejected) else Rejected(reason=outcome.reason, refusal=Refusal.RETRY_LATER)


def refused_by_status(answer: httpx.Response, reason: str) -> Rejected | Unknown:
    """What a status other than 2xx means where the provider says nothing better.

    502 and 504 come from a gateway that handed the request on and heard nothing back: it may have arrived.
    """
    reason = one_line(f"{answer.status_code} {reason}")[:REASON_LENGTH_MAX].strip()
    if answer.status_code in (502, 504):
        return Unknown(reason=reason)
    if answer.status_code == 429 or answer.status_code >= 500:
        return Rejected(reason=reason, refusal=Refusal.RETRY_LATER, retry_after_seconds=retry_after(answer))
    return Rejected(reason=reason, refusal=Refusal.OUR_FAULT, concerns_account=answer.status_code == 401)


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds of the `Retry-After` header, at most a day; None where there is none (or a date, which nobody sends)."""
    given = answer.headers.get("retry-after", "")
    return min(float(given), RETRY_AFTER_SECONDS_MAX) if given.isascii() and given.isdigit() else None


def json_of(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty where it is anything else."""
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _said(error: Exception) -> str:
    return one_line(f"{type(error).__name__} {error}").strip()[:REASON_LENGTH_MAX]
