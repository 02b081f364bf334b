"""A delivery of Messenger or Instagram, read: `entry[]` of `messaging[]`, `standby[]` and `changes[]`.

Ids that Meta gives none for are made of the message they are about, `#`, and what tells them apart; so whatever stands
alone, without `#`, can be answered to.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from channels.edge.payload import Delivery, Posted, UnreadablePayload, a_dict, a_text, an_identifier, dicts, read_json
from channels.edge.text import one_line
from channels.social.meta_content import content_of, referral_of
from channels.social.reading import UNKNOWN_HANDLE, at_millisecond, claim_kind, id_from_content
from domain.intake import DeliveryReport, Echo, InboundMessage
from domain.interaction import Content, ContentKind
from domain.outbound.delivery import DeliveryStatus

RECEIPTS = {"delivery": DeliveryStatus.DELIVERED, "read": DeliveryStatus.READ}
NEWS = {
    "referral": "Came back through a link",
    "optin": "Opted in",
    "account_linking": "Account linking",
    "pass_thread_control": "Another app handed the conversation over",
    "take_thread_control": "Another app took the conversation over",
    "request_thread_control": "Another app asks for the conversation",
}
USER_REF = "user_ref:"
"""Starts the handle of somebody who ticked a checkbox and has no id with the page yet."""
_ENVELOPE = frozenset({"sender", "recipient", "timestamp"})


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event, and what its parts have in common."""

    body: dict[str, Any]
    medium: str
    address: str
    """Our page or account."""
    handle: str
    """The customer."""
    is_ours: bool
    """Our side did it, there or by another app."""
    at: datetime
    received_at: datetime

    def own_id(self, subject: str, name: str) -> str:
        """An id for what has none: the subject it is about, who, and when."""
        moment = a_text(self.body.get("timestamp")) or id_from_content(self.body)
        return f"{subject}#{name}.{self.handle}.{moment}"


def read_events(posted: Posted, *, medium: str, kind_of_object: str) -> Delivery:
    """Everything in a delivery. Raises UnreadablePayload for what is none of this medium.

    What another app of the page answers (`standby`) is read like anything else, so that the history is whole.

    Example: `{"object": "page", "entry": [{"id": "1067", "time": 1458692752478, "messaging": [{"sender": {"id": "2"},
    "recipient": {"id": "1067"}, "timestamp": 1762902671, "message": {"mid": "m_1", "text": "Hello"}}]}]}`
    """
    payload = read_json(posted.raw)
    if not isinstance(payload, dict) or not isinstance(payload.get("entry"), list):
        raise UnreadablePayload("entry", f"a {medium} delivery has a list here")
    if payload.get("object") != kind_of_object:
        raise UnreadablePayload("object", f"a {medium} delivery says {kind_of_object!r} here")
    delivery = Delivery()
    for entry in dicts(payload["entry"]):
        address = an_identifier(entry.get("id"))
        items = [*dicts(entry.get("messaging")), *dicts(entry.get("standby"))]
        changes = [*dicts(entry.get("changes")), *([entry] if "field" in entry else [])]
        for change in changes:
            value = a_dict(change.get("value"))
            if "sender" in value:  # Instagram's login sends some as changes, or as the entry itself
                items.append(value)
            else:
                delivery.ignored.append(f"change:{a_text(change.get('field'))}")
        for item in items:
            _read(_event(item, medium, address, posted.received_at), delivery)
        if not items and not changes:
            delivery.ignored.append("entry:")
    return delivery


def _event(body: dict[str, Any], medium: str, address: str, received_at: datetime) -> _Event:
    sender, recipient = a_dict(body.get("sender")), a_dict(body.get("recipient"))
    message = a_dict(body.get("message"))
    is_ours = bool(message.get("is_echo")) or (address != "" and an_identifier(sender.get("id")) == address)
    return _Event(
        body=body,
        medium=medium,
        address=address,
        handle=_handle(recipient if is_ours else sender, a_dict(body.get("optin"))),
        is_ours=is_ours,
        at=at_millisecond(body.get("timestamp"), received_at=received_at),
        received_at=received_at,
    )


def _handle(person: dict[str, Any], optin: dict[str, Any]) -> str:
    if handle := an_identifier(person.get("id")):
        return handle
    reference = an_identifier(person.get("user_ref")) or an_identifier(optin.get("user_ref"))
    return f"{USER_REF}{reference}" if reference else UNKNOWN_HANDLE


def _read(event: _Event, delivery: Delivery) -> None:
    names = [name for name in event.body if name in READERS or name in RECEIPTS or name in NEWS]
    for name in names:
        if name in RECEIPTS:
            reports = _reports(event, name)
            delivery.reports.extend((event.address, report) for report in reports)
            if not reports:
                delivery.ignored.append(f"messaging:{name}")
            continue
        body = a_dict(event.body.get(name))
        provider_id, content = READERS[name](event, body) if name in READERS else _news(event, name, body)
        _keep(event, provider_id, content, body, delivery)
    if not names:
        others = [name for name in event.body if name not in _ENVELOPE]
        delivery.ignored.append(f"messaging:{one_line(others[0]) if others else ''}")


def _keep(event: _Event, provider_id: str, content: Content, body: dict[str, Any], delivery: Delivery) -> None:
    kind = claim_kind(content)
    if event.is_ours:
        echo = Echo(
            provider_id=provider_id,
            handle=event.handle,
            content=content,
            occurred_at=event.at,
            kind=kind,
            callback=an_identifier(body.get("metadata")),
        )
        delivery.echoes.append((event.address, echo))
        return
    message = InboundMessage(
        provider_id=provider_id, handle=event.handle, content=content, occurred_at=event.at, kind=kind
    )
    delivery.messages.append((event.address, message))


def _message(event: _Event, body: dict[str, Any]) -> tuple[str, Content]:
    """Instagram tells an unsend by the same `mid` with `is_deleted`; Messenger does not tell."""
    content = content_of(body, event.medium)
    return an_identifier(body.get("mid")) or f"#{id_from_content(event.body)}", content


def _edit(event: _Event, body: dict[str, Any]) -> tuple[str, Content]:
    """Example: `{"mid": "m_1", "text": "Hello!", "num_edit": 1}`; a message is edited at most five times."""
    del event
    mid = an_identifier(body.get("mid"))
    content = Content(kind=ContentKind.EDIT, text=a_text(body.get("text")), about=mid)
    return f"{mid}#edit.{a_text(body.get('num_edit')) or id_from_content(body)}", content


def _reaction(event: _Event, body: dict[str, Any]) -> tuple[str, Content]:
    """Example: `{"mid": "m_1", "action": "react", "reaction": "love", "emoji": "❤"}`; `unreact` takes it back."""
    mid, is_taken_back = an_identifier(body.get("mid")), a_text(body.get("action")) == "unreact"
    sign = "" if is_taken_back else one_line(a_text(body.get("emoji")) or a_text(body.get("reaction")) or "?")
    return event.own_id(mid, "reaction"), Content(kind=ContentKind.REACTION, text=sign, about=mid)


def _postback(event: _Event, body: dict[str, Any]) -> tuple[str, Content]:
    """A button or an icebreaker. Example: `{"mid": "m_2", "title": "Get started", "payload": "START"}`."""
    text = a_text(body.get("title")) or a_text(body.get("payload"))
    content = Content(kind=ContentKind.CHOICE, text=text, referral=referral_of(body.get("referral")))
    return an_identifier(body.get("mid")) or event.own_id("", f"postback.{one_line(text)[:40]}"), content


READERS: dict[str, Callable[[_Event, dict[str, Any]], tuple[str, Content]]] = {
    "message": _message,
    "message_edit": _edit,
    "reaction": _reaction,
    "postback": _postback,
}


def _news(event: _Event, name: str, body: dict[str, Any]) -> tuple[str, Content]:
    details = [a_text(body.get(one)) for one in ("status", "type", "ref", "payload", "metadata")]
    text = one_line(" ".join([f"{NEWS[name]}:", *(one for one in details if one)])).rstrip(":")
    referral = referral_of(body) if name == "referral" else ""
    content = Content(kind=ContentKind.SYSTEM, text=NEWS[name] if referral else text, referral=referral)
    return event.own_id("", name), content


def _reports(event: _Event, name: str) -> list[DeliveryReport]:
    """Messenger tells until when everything was delivered or read, and sometimes which; Instagram which was read."""
    body = a_dict(event.body.get(name))
    mids: list[Any] = body["mids"] if isinstance(body.get("mids"), list) else [body.get("mid")]
    upto = at_millisecond(body.get("watermark"), received_at=event.received_at) if body.get("watermark") else None
    whole = DeliveryReport(status=RECEIPTS[name], occurred_at=event.at, handle=event.handle, upto=upto)
    reports = [replace(whole, provider_id=mid, upto=None) for mid in map(an_identifier, mids) if mid]
    return [*reports, whole] if upto else reports
