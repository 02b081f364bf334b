"""Web chat, our own protocol over a websocket: account settings, parse, frames we send.

Every frame is a JSON object whose `kind` says what it is. A visitor's socket says `hello` first. It makes the id of
each message itself and sends a message again until it sees `stored`, so a dropped socket neither loses nor doubles one.
"""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from application.exchange.handover import Handover, handover_of
from application.exchange.media import attachment_of
from channels.chat.files import BYTES_MAX, FILES_MAX, File, FileSaid, read_bytes_max, read_ticket
from channels.chat.identity import CLAIM_LENGTH_MAX, Proofs, claimed, prove_by_hmac, prove_by_jwt, read_proofs
from channels.edge.payload import SignatureWrong, UnreadablePayload
from channels.edge.text import file_name, language_tag, one_line, without_controls
from domain.account import AccountDefinition, AccountInvalid
from domain.customer import Visitor
from domain.intake import InboundMessage
from domain.interaction import Attachment, Content

FRAME_BYTES_MAX = 32 * 1024
TEXT_LENGTH_MAX = 8_000
NAME_LENGTH_MAX = 100
TOKEN_LENGTH_MAX = 512
JWT_LENGTH_MAX = 8_192
ID_LENGTH_MAX = 64

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[A-Za-z0-9_-]+$")]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH_MAX)]
Claim = Annotated[str, msgspec.Meta(max_length=CLAIM_LENGTH_MAX)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a widget needs."""

    origins: frozenset[str]
    """`origins`, split at spaces: the web pages that may open a socket, as in `https://shop.example`."""
    visitor_keys: tuple[bytes, ...]
    """`visitor_key`, and `visitor_key_previous` while it is rolled: visitor tokens are made with the first."""
    proofs: Proofs = Proofs()
    file_bytes_max: int = BYTES_MAX
    """`visitor_file_bytes_max`: of a file that a visitor sends; 0: they cannot send any."""
    handover: Handover | None = None
    """How replies go by mail to a visitor who has left; None: they wait for them to come back."""


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing."""
    given = definition.settings
    if len(given.get("visitor_key", "")) < 32:
        raise AccountInvalid("settings.visitor_key: a widget needs a secret of at least 32 characters")
    keys = (given["visitor_key"], given.get("visitor_key_previous", ""))
    origins = frozenset(given.get("origins", "").split())
    return Settings(
        origins=origins,
        visitor_keys=tuple(key.encode() for key in keys if key),
        proofs=read_proofs(given),
        file_bytes_max=read_bytes_max(given),
        handover=handover_of(definition),
    )


class _Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """One JSON object on the socket."""


class Identify(_Frame, frozen=True, tag="identify"):
    """From the visitor, at any time: who they are. Without `proof` or `jwt` it is only said, and agents see that.

    Example: `{"kind": "identify", "user": "42", "proof": "9f86d081884c7d65…", "name": "Ana"}`
    """

    user: Claim = ""
    """What the shop itself calls them."""
    proof: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """HMAC-SHA256 of `user` under the account's `identity_key`, in hex; made by the shop's server, never in a page."""
    jwt: Annotated[str, msgspec.Meta(max_length=JWT_LENGTH_MAX)] = ""
    """Instead of `user` and `proof`: a signed token with `sub`, `aud` (the account's id) and `exp`."""
    name: Annotated[str, msgspec.Meta(max_length=NAME_LENGTH_MAX)] = ""
    email: Claim = ""
    phone: Claim = ""
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    """Of the page or the browser, as in `de` or `zh-Hant` (BCP 47): who answers is chosen by it, and mails to a visitor
    who has left are worded in it."""


class Hello(Identify, frozen=True, tag="hello"):
    """From the visitor, first of all: who they are, and up to where they have seen everything.

    It may say and prove all that `identify` may. A proof that is wrong is `refused` after the `welcome`.

    Example: `{"kind": "hello", "token": "0193a7c2.1794873600.mZ3…", "after": 4711, "name": "Ana"}`
    """

    token: Annotated[str, msgspec.Meta(max_length=TOKEN_LENGTH_MAX)] = ""
    """Empty for a new visitor."""
    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    """The last position they saw; 0 for none. Who proves to be somebody else than last time says 0."""
    places: bool = False
    """Whether to be told where they stand while they wait."""


class Said(_Frame, frozen=True, tag="message"):
    """From the visitor: a message, with a text, files or both. The same id sent again is the same message.

    Example: `{"kind": "message", "id": "b7c1f0", "text": "Look", "files": [{"ticket": "WyJh…", "name": "photo.jpg"}]}`
    """

    id: Id
    text: Text = ""
    files: Annotated[tuple[FileSaid, ...], msgspec.Meta(max_length=FILES_MAX)] = ()


class Typing(_Frame, frozen=True, tag="typing"):
    """From either side, never stored: somebody is writing, or stopped.

    Example: `{"kind": "typing", "is_typing": true}`
    """

    is_typing: bool = True


class Presence(_Frame, frozen=True, tag="presence"):
    """To the visitor, never stored: somebody of the shop looks at what they wrote, or nobody does any more.

    Example: `{"kind": "presence", "is_present": true}`
    """

    is_present: bool


class Place(_Frame, frozen=True, tag="place"):
    """To the visitor who asked for places, never stored: where they stand in the line, and for how long still.

    Example: `{"kind": "place", "place": 3, "expected_seconds": 240, "low_seconds": 120, "high_seconds": 390}`
    """

    place: int
    """From 1; 0 when they do not wait any more."""
    expected_seconds: int | None = None
    """From now on; nothing where that is not known."""
    low_seconds: int | None = None
    """One of ten waits is shorter."""
    high_seconds: int | None = None
    """One of ten is longer."""


class Identified(_Frame, frozen=True, tag="identified"):
    """To the visitor: their proof holds. From now on they go on as that customer, as on their other devices.

    Example: `{"kind": "identified", "user": "42", "visitor_id": "0193a7c2", "token": "0193a7c2.1794873600.mZ3…"}`
    """

    user: str
    visitor_id: str
    token: str
    """To say hello with next time: another one where this browser was another customer's before."""


class Welcome(_Frame, frozen=True, tag="welcome"):
    """To the visitor: the answer to `hello`, before anything they missed.

    Example: `{"kind": "welcome", "visitor_id": "0193a7c2", "token": "0193a7c2.1794873600.mZ3…", "position": 4711}`
    """

    visitor_id: str
    token: str
    """To say hello with next time."""
    position: int
    """The log's position that this session begins at."""


class Stored(_Frame, frozen=True, tag="stored"):
    """To the visitor: their message is durable.

    Example: `{"kind": "stored", "id": "b7c1f0", "position": 4712}`
    """

    id: str
    position: int


class Message(_Frame, frozen=True, tag="message"):
    """To the visitor: a message of their own, seen again after resuming or written on another tab.

    Example: `{"kind": "message", "id": "b7c1f0", "text": "Hi", "position": 4712, "at": "2026-11-11T00:00:01Z"}`
    """

    id: str
    text: str
    """Empty where files say it all."""
    position: int
    at: datetime
    files: tuple[File, ...] = ()


class Reply(_Frame, frozen=True, tag="reply"):
    """To the visitor: an agent's answer.

    Example: `{"kind": "reply", "text": "On its way", "author": "Kim", "position": 4720, "at": "2026-11-11T00:00:09Z"}`
    """

    text: str
    """Empty where files say it all."""
    position: int
    at: datetime
    author: str = ""
    files: tuple[File, ...] = ()


class Refused(_Frame, frozen=True, tag="refused"):
    """To the visitor: a frame that was not taken, and why. Nothing of it was stored.

    Example: `{"kind": "refused", "problem": "text: Expected `str` of length <= 8000", "id": "b7c1f0"}`
    """

    problem: str
    id: str = ""
    """Of the message that was refused, where it is known."""
    retry_after_seconds: float = 0.0
    """Above 0: the same frame may be sent again then."""


VisitorFrame = Hello | Identify | Said | Typing
ServerFrame = Welcome | Identified | Stored | Message | Reply | Refused | Typing | Presence | Place

NOBODY_SPECIAL = Visitor()
_decoder: msgspec.json.Decoder[VisitorFrame] = msgspec.json.Decoder(VisitorFrame)
_encoder = msgspec.json.Encoder()


def read_frame(raw: bytes | str) -> VisitorFrame:
    """What a visitor's socket said. Raises UnreadablePayload with the field and the limit."""
    if len(raw) > FRAME_BYTES_MAX or (isinstance(raw, str) and len(raw.encode("utf-8", "replace")) > FRAME_BYTES_MAX):
        raise UnreadablePayload("", f"a frame has at most {FRAME_BYTES_MAX} bytes")
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnreadablePayload.of(error) from None


def frame_bytes(frame: ServerFrame) -> bytes:
    """The frame as it goes over the socket, in UTF-8."""
    return _encoder.encode(frame)


def read_identity(frame: Identify, settings: Settings, *, account_id: str, at: datetime) -> Visitor:
    """Who the visitor is, by what proves it, or only says to be. Raises SignatureWrong where a proof does not hold."""
    said = claimed(user=frame.user, name=frame.name, email=frame.email, phone=frame.phone)
    if frame.jwt:
        return prove_by_jwt(frame.jwt, settings.proofs, account_id=account_id, at=at)
    return prove_by_hmac(frame.user, frame.proof, settings.proofs) if frame.proof else said


def attachments_of(
    said: Said, settings: Settings, *, account_id: str, visitor_id: str, at: datetime
) -> tuple[Attachment, ...]:
    """The files that the message carries. Raises UnreadablePayload for one that this visitor did not upload."""
    found: list[Attachment] = []
    for nth, one in enumerate(said.files):
        try:
            file = read_ticket(
                one.ticket, account_id=account_id, visitor_id=visitor_id, keys=settings.visitor_keys, at=at
            )
        except SignatureWrong as error:
            raise UnreadablePayload(f"files[{nth}].ticket", str(error)) from None
        found.append(attachment_of(file, file_name(one.name)))
    return tuple(found)


def to_message(
    said: Said,
    *,
    visitor_id: str,
    name: str,
    received_at: datetime,
    who: Visitor = NOBODY_SPECIAL,
    language: str = "",
    attachments: tuple[Attachment, ...] = (),
) -> InboundMessage:
    """The visitor's message as ours, from their proven address if they have one.

    The visitor is part of its id, so that nobody can take another's ids, and proving changes none.

    Raises UnreadablePayload where nothing but white space and control characters was said, and no file sent.
    """
    text = without_controls(said.text)
    if not (text.strip() or attachments):
        raise UnreadablePayload("text", "a message needs a text or a file")
    return InboundMessage(
        provider_id=f"{visitor_id}:{said.id}",
        handle=who.handle if who.method else visitor_id,
        content=Content(text=text, attachments=attachments),
        occurred_at=received_at.astimezone(UTC),
        author=one_line(name, length_max=NAME_LENGTH_MAX),
        language=language_tag(language),
    )
