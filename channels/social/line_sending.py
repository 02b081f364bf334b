"""LINE on the way out: push messages, which alone of all channels' may be repeated without harm."""

import uuid

import httpx

from application.exchange.sending import Accepted, Outcome, Outgoing, OutgoingFile, Refusal, Rejected
from channels.edge.payload import a_text, an_identifier, dicts
from channels.edge.posting import REASON_LENGTH_MAX, json_of, post, refused_by_status, retry_after
from channels.edge.text import one_line

TEXT_LENGTH_MAX = 5_000
"""UTF-16 code units of a text that we send: LINE counts an emoji as two."""
RETRY_KEYS = uuid.UUID("6f0b9a4e-3c1d-5e7f-8a2b-94d6c0e1f357")
"""What retry keys are derived in: the same reply has the same key on every attempt, in every process."""


def retry_key(message_id: str) -> str:
    """Example: `"message-0193…"` → `"2d9c0f4e-…"`, a UUID. LINE remembers it for 24 hours."""
    return str(uuid.uuid5(RETRY_KEYS, message_id))


async def push_reply(reply: Outgoing, client: httpx.AsyncClient, *, token: str, api_url: str) -> Outcome:
    """One attempt. Where no answer came it may simply be tried again: LINE takes a retry key once, and says 409 after.

    It does not quote what it answers: that takes a token which came with the message and is not kept. A longer text
    is refused rather than cut in two: each half would have a fate of its own, the reply only one. Pictures go by link
    in the same call, which takes up to five messages, all or none.

    Example: `{"to": "U206d", "messages": [{"type": "text", "text": "Hi"}]}` → `{"sentMessages": [{"id":
    "461230966842064897", "quoteToken": "IStG5h1Tz7b"}]}`; refused: `{"message": "You have reached
    your monthly limit."}`
    """
    if not token:
        reason = "settings.access_token: this account has none, so it only receives"
        return Rejected(reason=reason, refusal=Refusal.OUR_FAULT, concerns_account=True)
    if len(reply.text.encode("utf-16-le")) // 2 > TEXT_LENGTH_MAX:
        return Rejected(reason=f"a text has at most {TEXT_LENGTH_MAX} characters", refusal=Refusal.OUR_FAULT)
    if not all(file.link for file in reply.files):
        return Rejected(reason="LINE fetches pictures from us, and nobody can reach us", refusal=Refusal.OUR_FAULT)
    messages = [{"type": "text", "text": reply.text}] if reply.text else []
    messages += [_picture(file) for file in reply.files]
    answer = await post(
        client,
        f"{api_url}/v2/bot/message/push",
        json={"to": reply.thread or reply.handle, "messages": messages},
        headers={"authorization": f"Bearer {token}", "x-line-retry-key": retry_key(reply.message_id)},
    )
    if not isinstance(answer, httpx.Response):
        return answer if isinstance(answer, Rejected) else Rejected(reason=answer.reason, refusal=Refusal.RETRY_LATER)
    return _outcome(answer)


def _picture(file: OutgoingFile) -> dict[str, str]:
    """The picture is its own preview, which is why it may not be larger than one."""
    return {"type": "image", "originalContentUrl": file.link, "previewImageUrl": file.link}


def _outcome(answer: httpx.Response) -> Outcome:
    payload = json_of(answer)
    if answer.is_success or answer.status_code == 409:
        sent = (an_identifier(one.get("id")) for one in dicts(payload.get("sentMessages")))
        request = answer.headers.get("x-line-accepted-request-id") or answer.headers.get("x-line-request-id", "")
        provider_id = next((one for one in sent if one), "") or f"request:{request}"
        return Accepted(provider_id=provider_id, answer="accepted before" if answer.status_code == 409 else "")
    words = one_line(a_text(payload.get("message")))
    details = "; ".join(a_text(one.get("message")) for one in dicts(payload.get("details")))
    reason = one_line(f"{answer.status_code} {words}{f' ({details})' if details else ''}")[:REASON_LENGTH_MAX]
    if answer.status_code == 400 and words.lower().startswith("failed to send messages"):
        return Rejected(reason=reason, refusal=Refusal.RECIPIENT_GONE)  # such a user id does not exist
    if answer.status_code == 429:
        is_spent = "monthly limit" in words.lower()
        return Rejected(
            reason=reason,
            refusal=Refusal.OUR_FAULT if is_spent else Refusal.RETRY_LATER,
            retry_after_seconds=None if is_spent else retry_after(answer),
            concerns_account=True,
        )
    if answer.status_code >= 500:  # LINE's own advice: again, with the same key
        return Rejected(reason=reason, refusal=Refusal.RETRY_LATER, retry_after_seconds=retry_after(answer))
    return refused_by_status(answer, words or answer.reason_phrase)
