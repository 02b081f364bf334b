"""Telegram on the way out: `sendMessage` and its fellows for files, and what their refusals mean."""

import json
from typing import Any

import httpx
from msgspec.structs import replace

from application.exchange.sending import Accepted, Outcome, Outgoing, OutgoingFile, Refusal, Rejected, Unknown
from channels.edge.payload import a_dict, a_text, an_identifier
from channels.edge.posting import REASON_LENGTH_MAX, RETRY_AFTER_SECONDS_MAX, json_of, post, refused_by_status
from channels.edge.text import one_line
from domain.outbound.reach import Reach

TEXT_LENGTH_MAX = 4_096
"""Characters of a text that we send."""
METHODS = {
    "photo": "sendPhoto",
    "animation": "sendAnimation",
    "video": "sendVideo",
    "audio": "sendAudio",
    "voice": "sendVoice",
    "document": "sendDocument",
}
"""By what a file is sent as, which is also the field that holds it."""
BLOCKED = ("bot was blocked", "user is deactivated", "bot was kicked", "is not a member")
"""Somebody, or a group, that takes nothing from the bot until it hears of them again. It comes with status 403."""
GONE = (
    *BLOCKED,
    "can't initiate conversation",
    "bots can't send messages to bots",
    "chat not found",
    "user not found",
    "group chat was deleted",
    "peer_id_invalid",
)
"""What the Bot API says of somebody who cannot be reached; it has no codes."""


async def send_reply(reply: Outgoing, client: httpx.AsyncClient, *, token: str, api_url: str) -> Outcome:
    """One attempt, with a second where a group has moved: the first reached nobody then.

    A file goes in the same request, as a form (Bot API, "Sending files"), with the text as its caption. A longer text
    is refused rather than cut in two: each half would have a fate of its own, the reply only one.

    Example: `{"chat_id": "42", "text": "Hi", "reply_parameters": {"message_id": 7, "allow_sending_without_reply":
    true}}` → `{"ok": true, "result": {"message_id": 8, "chat": {"id": 42}}}`; refused: `{"ok": false,
    "error_code": 429, "description": "Too Many Requests: retry after 5", "parameters": {"retry_after": 5}}`
    """
    if not token:
        reason = "settings.bot_token: this account has none, so it only receives"
        return Rejected(reason=reason, refusal=Refusal.OUR_FAULT, concerns_account=True)
    if len(reply.text) > TEXT_LENGTH_MAX:
        return Rejected(reason=f"a text has at most {TEXT_LENGTH_MAX} characters", refusal=Refusal.OUR_FAULT)
    file = reply.files[0] if reply.files else None
    url, body = f"{api_url}/bot{token}/{METHODS[file.sent_as] if file else 'sendMessage'}", _body(reply)
    answer = await _posted(client, url, body, file)
    if isinstance(answer, httpx.Response) and (moved := _moved_to(answer)):
        del body["chat_id"]
        body.pop("reply_parameters", None)  # ids count anew in the new chat
        body.pop("message_thread_id", None)
        answer = await _posted(client, url, {"chat_id": moved, **body}, file)
    if isinstance(answer, httpx.Response):
        return _outcome(answer, an_identifier(body.get("business_connection_id")))
    # An exception may hold the address, and with it the token.
    return replace(answer, reason=answer.reason.replace(token, "…"))


async def _posted(
    client: httpx.AsyncClient, url: str, body: dict[str, Any], file: OutgoingFile | None
) -> httpx.Response | Rejected | Unknown:
    """A form's fields are texts; those that are objects are JSON."""
    if file is None:
        return await post(client, url, json=body)
    form = {name: json.dumps(value) if isinstance(value, dict) else str(value) for name, value in body.items()}
    return await post(client, url, data=form, files={file.sent_as: (file.name, file.body, file.content_type)})


def _body(reply: Outgoing) -> dict[str, Any]:
    place, _, message = reply.in_reply_to.rpartition(":")
    chat, connection, topic = reply.handle, "", ""
    if reply.thread.startswith("business:"):
        connection = reply.thread.removeprefix("business:")
    elif reply.thread:
        chat, _, topic = reply.thread.partition(":")
    body: dict[str, Any] = {"chat_id": chat}
    if reply.text:
        body["caption" if reply.files else "text"] = reply.text
    if connection:
        body["business_connection_id"] = connection
    if topic.isdecimal():
        body["message_thread_id"] = int(topic)
    if message.isdecimal() and place.rpartition(":")[2] == chat:
        body["reply_parameters"] = {"message_id": int(message), "allow_sending_without_reply": True}
    return body


def _moved_to(answer: httpx.Response) -> str:
    return an_identifier(a_dict(json_of(answer).get("parameters")).get("migrate_to_chat_id"))


def _outcome(answer: httpx.Response, connection: str) -> Outcome:
    payload = json_of(answer)
    result = a_dict(payload.get("result"))
    if answer.is_success and payload.get("ok") is True:
        chat, message = an_identifier(a_dict(result.get("chat")).get("id")), an_identifier(result.get("message_id"))
        if not message:
            return Unknown(reason=f"{answer.status_code} without the id of a message")
        return Accepted(provider_id=":".join(part for part in (connection, chat, message) if part))
    words = one_line(a_text(payload.get("description")))[:REASON_LENGTH_MAX]
    if any(sign in words.lower() for sign in GONE):
        is_block = answer.status_code == 403 and any(sign in words.lower() for sign in BLOCKED)
        return Rejected(
            reason=f"{answer.status_code} {words}",
            refusal=Refusal.RECIPIENT_GONE,
            reach=Reach.BLOCKED if is_block else None,
        )
    if answer.status_code in (401, 404):  # a token that is revoked, or was never one
        return Rejected(reason=f"{answer.status_code} {words}", refusal=Refusal.OUR_FAULT, concerns_account=True)
    if answer.status_code == 429:
        wait = a_dict(payload.get("parameters")).get("retry_after")
        seconds = min(float(wait), RETRY_AFTER_SECONDS_MAX) if isinstance(wait, int | float) and wait >= 0 else None
        # Framework authors found that it holds up the whole bot, not only the chat.
        return Rejected(
            reason=f"429 {words}",
            refusal=Refusal.RETRY_LATER,
            retry_after_seconds=seconds,
            concerns_account=True,
        )
    return refused_by_status(answer, words or answer.reason_phrase)
