"""Telegram bots: account settings, verify, parse, send, fetch.

One update a POST. A message's id counts within its chat, so ours is `chat:message`, and `connection:chat:message` where
the bot serves somebody's business account; what stands behind `#` tells apart what has no id of its own.
"""

from collections.abc import Callable
from datetime import datetime
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from application.exchange.media import Fetched, Get, MediaRefused
from application.exchange.sending import Outcome, Outgoing
from channels.edge.payload import (
    Delivery,
    Posted,
    SignatureWrong,
    UnreadablePayload,
    a_dict,
    a_text,
    an_identifier,
    at_second,
    dicts,
    read_json,
)
from channels.edge.text import language_tag, one_line
from channels.social.reading import UNKNOWN_HANDLE, claim_kind
from channels.social.telegram_content import content_of, full_name
from channels.social.telegram_sending import send_reply
from domain.account import AccountDefinition, AccountInvalid
from domain.intake import Echo, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.reach import Reach

PROOF_HEADER = "x-telegram-bot-api-secret-token"
API_URL = "https://api.telegram.org"
BUSINESS = "business:"
"""Starts the thread of a chat that the bot serves for a business account; then comes the connection."""
MEMBERSHIPS = {"kicked": ("Blocked the bot", Reach.BLOCKED), "member": ("Unblocked the bot", Reach.OPEN)}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a bot needs."""

    bot_id: str
    """`AccountDefinition.address`: what stands before the colon of its token."""
    secret_tokens: tuple[str, ...]
    """`secret_token` as given to `setWebhook`, and `secret_token_previous` while it is rolled."""
    bot_token: str = ""
    """`bot_token`, as in `110201543:AAHdqT…`. A bot without one only receives."""
    api_url: str = API_URL
    """`api_url`: another for a Bot API server of one's own."""


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing or wrong."""
    given = definition.settings
    if not definition.address.isdecimal():
        raise AccountInvalid("address: a Telegram account needs its bot's id, the digits before the colon of its token")
    if not given.get("secret_token"):
        raise AccountInvalid("settings.secret_token: a Telegram account needs it")
    token = given.get("bot_token", "")
    if token and not token.startswith(f"{definition.address}:"):
        raise AccountInvalid(f"settings.bot_token: it is not the token of bot {definition.address}")
    return Settings(
        bot_id=definition.address,
        secret_tokens=(given["secret_token"], given.get("secret_token_previous", "")),
        bot_token=token,
        api_url=(given.get("api_url") or API_URL).rstrip("/"),
    )


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Compares `X-Telegram-Bot-Api-Secret-Token` with ours: a shared secret, which signs nothing.

    Raises SignatureWrong.
    """
    given = posted.headers.get(PROOF_HEADER, "").encode("utf-8", "replace")
    secrets = [one.encode() for one in read_settings(definition).secret_tokens if one]
    if not any(compare_digest(given, secret) for secret in secrets):
        raise SignatureWrong(f"{PROOF_HEADER}: missing, or not the secret token of this bot")


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """The one thing that an update tells; kinds that are no customer's words are named in `ignored`.

    Telegram does not say whose update it is: it is the bot's whose secret fits. Raises UnreadablePayload.

    Example: `{"update_id": 9, "message": {"message_id": 7, "date": 1762902671, "chat": {"id": 42, "type": "private"},
    "from": {"id": 42, "is_bot": false, "first_name": "Ana"}, "text": "Hello"}}`
    """
    update = read_json(posted.raw)
    if not isinstance(update, dict) or not an_identifier(update.get("update_id")):
        raise UnreadablePayload("update_id", "a Telegram update has a number here")
    delivery, number = Delivery(), an_identifier(update["update_id"])
    for name in update:
        if name == "update_id":
            continue
        body = a_dict(update[name])
        found = READERS[name](body, number, posted.received_at) if body and name in READERS else []
        delivery.messages.extend((definition.address, one) for one in found if isinstance(one, InboundMessage))
        delivery.echoes.extend((definition.address, one) for one in found if isinstance(one, Echo))
        if not found:
            delivery.ignored.append(one_line(name))
    return delivery


def _place(message: dict[str, Any]) -> str:
    """Example: `{"business_connection_id": "bc", "chat": {"id": 42}}` → `"bc:42"`, without a connection `"42"`."""
    chat = an_identifier(a_dict(message.get("chat")).get("id"))
    connection = an_identifier(message.get("business_connection_id"))
    return f"{connection}:{chat}" if connection else chat


def _thread(message: dict[str, Any]) -> str:
    """Empty in a chat of two; else the group (and its topic, as in `-1001:5`), or the business connection."""
    chat = a_dict(message.get("chat"))
    if connection := an_identifier(message.get("business_connection_id")):
        return f"{BUSINESS}{connection}"
    if a_text(chat.get("type")) in {"private", ""}:
        return ""
    topic = an_identifier(message.get("message_thread_id")) if message.get("is_topic_message") else ""
    return f"{an_identifier(chat.get('id'))}{f':{topic}' if topic else ''}"


def _people(message: dict[str, Any]) -> tuple[str, str]:
    """Handle and name of who wrote. Who speaks for a chat has a stand-in under `from`."""
    for name in ("sender_chat", "from", "user", "actor_chat", "chat"):
        person = a_dict(message.get(name))
        if handle := an_identifier(person.get("id")):
            return handle, full_name(person) or one_line(a_text(person.get("title")))
    return UNKNOWN_HANDLE, ""


def _found(
    message: dict[str, Any], provider_id: str, content: Content, at: datetime
) -> list[InboundMessage] | list[Echo]:
    """The customer's; or an echo, where a business account's owner (or a bot of theirs) wrote to the customer."""
    kind, thread, (handle, author) = claim_kind(content), _thread(message), _people(message)
    customer = an_identifier(a_dict(message.get("chat")).get("id"))
    if thread.startswith(BUSINESS) and handle != customer:
        echo = Echo(provider_id=provider_id, handle=customer, content=content, occurred_at=at, thread=thread, kind=kind)
        return [echo]
    found = InboundMessage(
        provider_id=provider_id,
        handle=handle,
        content=content,
        occurred_at=at,
        author=author,
        thread=thread,
        kind=kind,
        language=language_tag(a_text(a_dict(message.get("from")).get("language_code"))),
    )
    return [found]


def _message(message: dict[str, Any], number: str, received_at: datetime) -> list[InboundMessage] | list[Echo]:
    content = content_of(message, about=_answered(message))
    at = at_second(message.get("date"), received_at=received_at)
    message_id = an_identifier(message.get("message_id")) or f"#{number}"
    return _found(message, f"{_place(message)}:{message_id}", content, at)


def _answered(message: dict[str, Any]) -> str:
    """What a message answers: one of the same chat, or of another that the bot can see."""
    if original := a_dict(message.get("reply_to_message")):
        return f"{_place(message)}:{an_identifier(original.get('message_id'))}"
    elsewhere = a_dict(message.get("external_reply"))
    chat, of = an_identifier(a_dict(elsewhere.get("chat")).get("id")), an_identifier(elsewhere.get("message_id"))
    return f"{chat}:{of}" if chat and of else ""


def _edit(message: dict[str, Any], number: str, received_at: datetime) -> list[InboundMessage] | list[Echo]:
    """May come although nothing changed that people can see."""
    about = f"{_place(message)}:{an_identifier(message.get('message_id'))}"
    new = content_of(message, about="")
    content = Content(kind=ContentKind.EDIT, text=new.text, attachments=new.attachments, about=about)
    at = at_second(message.get("edit_date"), received_at=received_at)
    return _found(message, f"{about}#edit.{number}", content, at)


def _deleted(news: dict[str, Any], number: str, received_at: datetime) -> list[InboundMessage] | list[Echo]:
    """Only business connections tell of deletions, and not by whom: they stand as the customer's."""
    del number
    ids: list[Any] = news["message_ids"] if isinstance(news.get("message_ids"), list) else []
    handle, author = _people({"chat": news.get("chat")})
    return [
        InboundMessage(
            provider_id=f"{about}#unsend",
            handle=handle,
            content=Content(kind=ContentKind.UNSEND, about=about),
            occurred_at=received_at,
            author=author,
            thread=_thread(news),
            kind="unsend",
        )
        for about in (f"{_place(news)}:{one}" for one in map(an_identifier, ids) if one)
    ]


def _reaction(news: dict[str, Any], number: str, received_at: datetime) -> list[InboundMessage] | list[Echo]:
    """Example: `{"chat": {"id": 42}, "message_id": 7, "user": {"id": 42}, "date": 1, "old_reaction": [],
    "new_reaction": [{"type": "emoji", "emoji": "👍"}]}`; an empty new list takes all back.
    """
    about = f"{_place(news)}:{an_identifier(news.get('message_id'))}"
    signs = [a_text(one.get("emoji")) or a_text(one.get("type")) for one in dicts(news.get("new_reaction"))]
    content = Content(kind=ContentKind.REACTION, text=one_line(" ".join(signs)), about=about)
    at = at_second(news.get("date"), received_at=received_at)
    return _found(news, f"{about}#reaction.{number}", content, at)


def _callback(query: dict[str, Any], number: str, received_at: datetime) -> list[InboundMessage] | list[Echo]:
    """A button was pressed: its label, or what it stands for. The query has no time of its own."""
    message, data = a_dict(query.get("message")), a_text(query.get("data"))
    rows = a_dict(message.get("reply_markup")).get("inline_keyboard")
    buttons = [button for row in (rows if isinstance(rows, list) else []) for button in dicts(row)]
    label = next((a_text(button.get("text")) for button in buttons if a_text(button.get("callback_data")) == data), "")
    about = f"{_place(message)}:{an_identifier(message.get('message_id'))}" if message else ""
    text = label or data or a_text(query.get("game_short_name"))
    said = {name: message[name] for name in ("chat", "message_thread_id", "is_topic_message") if name in message}
    content = Content(kind=ContentKind.CHOICE, text=text, about=about)
    query_id = an_identifier(query.get("id")) or number
    return _found(said | {"from": query.get("from")}, f"{about}#callback.{query_id}", content, received_at)


def _membership(news: dict[str, Any], number: str, received_at: datetime) -> list[InboundMessage] | list[Echo]:
    """In a chat of two: the customer blocked or unblocked the bot. Of groups it is no customer's doing."""
    status = a_text(a_dict(news.get("new_chat_member")).get("status"))
    if _thread(news) or status not in MEMBERSHIPS:
        return []
    text, reach = MEMBERSHIPS[status]
    content = Content(kind=ContentKind.SYSTEM, text=text, reach=reach)
    at = at_second(news.get("date"), received_at=received_at)
    return _found(news, f"{_place(news)}:#my_chat_member.{number}", content, at)


READERS: dict[str, Callable[[dict[str, Any], str, datetime], list[InboundMessage] | list[Echo]]] = {
    "message": _message,
    "business_message": _message,
    "guest_message": _message,
    "edited_message": _edit,
    "edited_business_message": _edit,
    "deleted_business_messages": _deleted,
    "message_reaction": _reaction,
    "callback_query": _callback,
    "my_chat_member": _membership,
}


async def send(definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
    """Hands a text or a file to the Bot API, in the chat, group, topic or business chat that the customer wrote in."""
    settings = read_settings(definition)
    return await send_reply(reply, client, token=settings.bot_token, api_url=settings.api_url)


async def fetch(definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
    """In two steps: `getFile` says where it lies, for an hour at least. Files over 20 MB are refused.

    Raises MediaRefused, without the token that is part of the address.
    """
    settings = read_settings(definition)
    try:
        return await _fetch(settings, attachment.reference, get)
    except MediaRefused as refused:
        if settings.bot_token:
            refused.reason = refused.reason.replace(settings.bot_token, "…")
            refused.args = (refused.reason,)
        raise refused from None


async def _fetch(settings: Settings, file_id: str, get: Get) -> Fetched:
    """Example: `{"ok": true, "result": {"file_id": "AgAC", "file_path": "photos/file_7.jpg"}}`."""
    hosts = (urlsplit(settings.api_url).hostname or "",)
    found = await get(
        f"{settings.api_url}/bot{settings.bot_token}/getFile?file_id={quote(file_id, safe='')}", hosts=hosts
    )
    try:
        path = a_text(a_dict(a_dict(read_json(found.body)).get("result")).get("file_path"))
    except UnreadablePayload:
        path = ""
    if not path:
        raise MediaRefused("Telegram does not say where the file lies", is_final=True)
    return await get(f"{settings.api_url}/file/bot{settings.bot_token}/{quote(path)}", hosts=hosts)
