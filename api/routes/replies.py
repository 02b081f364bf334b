"""Replies: what an agent answers, and what a person decides about those that were refused or may not have arrived."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from api.access.ownership import demand_customer, on_conversation
from api.access.permissions import Action, own_agent
from api.http.answer import Answer, Stands, done_answer, json_answer
from api.http.asked import Asked
from api.http.fields import NO_NUL, Digest, OptionalName, OptionalText
from api.http.operation import Nothing, command, read
from api.routes.media import safe_name
from api.routes.work import CONVERSATION
from application.commands import Command, Done
from domain.customer import Customer
from domain.interaction import ChannelTakesNoReplies
from domain.outbound.delivery import reply_until
from domain.outbound.files import Files
from domain.outbound.reach import Reach
from domain.outbound.templates import ButtonKind, Template

MESSAGE = CONVERSATION + "/messages/{message_id}"
ATTACHMENTS_MAX = 20
"""Of any reply; most channels take fewer."""

Parameter = Annotated[str, Meta(min_length=1, max_length=1_024, extra_json_schema=NO_NUL)]


class ButtonWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What fills in one of a template's buttons."""

    index: Annotated[int, Meta(ge=0, le=9)]
    kind: ButtonKind
    text: Parameter
    """The end of the address that it opens, or what comes back when it is pressed."""


class TemplateWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text that the provider approved beforehand, and what fills it in."""

    name: Annotated[str, Meta(pattern="^[a-z0-9_]{1,512}$", max_length=512)]
    language: Annotated[str, Meta(pattern="^[a-z]{2,3}(_[A-Za-z]{2,4})?$", max_length=8)]
    """As in `de` or `en_US`."""
    parameters: Annotated[tuple[Parameter, ...], Meta(max_length=50)] = ()
    """Of the body, in order."""
    header: Annotated[str, Meta(max_length=60, extra_json_schema=NO_NUL)] = ""
    """Of a header of text. That of a picture, video or document is the one attachment."""
    buttons: Annotated[tuple[ButtonWanted, ...], Meta(max_length=10)] = ()

    def template(self) -> Template:
        """As the domain has it."""
        return msgspec.convert(msgspec.to_builtins(self), Template)


class FileNamed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that goes with a reply."""

    media_id: Digest
    """As the upload gave it; or the `digest` of one that came from the customer or went to them before."""
    name: OptionalName = ""
    """What it is to be called there, as in `invoice.pdf`."""


class ReplyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text, files with or without one, or a template. What the channel takes of them is in `reply_limits`."""

    text: OptionalText = ""
    attachments: Annotated[tuple[FileNamed, ...], Meta(max_length=ATTACHMENTS_MAX)] = ()
    template: TemplateWanted | None = None


class MessageStands(Stands, kw_only=True):
    """The reply, and where the command led."""

    message_id: str


@command(
    CONVERSATION + "/reply",
    Action.WORK_ON_CONVERSATIONS,
    takes=ReplyWanted,
    gives=MessageStands,
    status=202,
    has_revision=True,
    example={"text": "Your parcel left our warehouse this morning."},
)
async def reply(asked: Asked[ReplyWanted]) -> Answer:
    """Answer the customer.

    Stored and on its way (202); how it fares shows in the timeline. Files are uploaded first, to `…/files`. 409
    `file-not-taken` names the field, the channel and its limit; 409 `reply-window-closed` where only a template may
    still go, on channels that have them; 409 `customer-unreachable` where they unsubscribed or blocked the account.
    """
    agent_id, ids, given = own_agent(asked.person), asked.ids, asked.given
    named = [(one.media_id, safe_name(one.name) if one.name else "") for one in given.attachments]

    async def write(one: Command) -> tuple[Done, str]:
        attachments = await asked.parts.files.found(ids["customer_id"], named)
        template = given.template.template() if given.template else None
        if template is not None:
            template = await _worded(asked, template)
        return await asked.parts.serve.reply(
            one, ids["customer_id"], ids["conversation_id"], agent_id, given.text, attachments, template
        )

    done, message_id = await on_conversation(asked, write)
    return done_answer(done, MessageStands(position=done.position, message_id=message_id), status=202)


async def _worded(asked: Asked[ReplyWanted], template: Template) -> Template:
    """With how it reads, as far as the conversation's account can tell."""
    customer: Customer
    customer, _ = await asked.parts.commands.states.load(asked.ids["customer_id"])
    one = customer.conversations.get(asked.ids["conversation_id"])
    account = asked.parts.directory.account(one.account_id) if one else None
    return await asked.parts.templates.worded(account, template)


class ReplyLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What may be answered in a conversation, to be known before somebody writes."""

    takes_replies: bool
    until: datetime | None = None
    """When only a template goes any more, where the channel has them; nothing where it always takes replies."""
    text_length_max: int | None = None
    """Characters; nothing where 65,536 are taken."""
    files: Files | None = None
    """What files go with a reply; nothing where none do."""
    takes_templates: bool = False
    stopped: Reach | None = None
    """Why nothing is taken now: the customer unsubscribed, or blocked the account."""


@read(
    CONVERSATION + "/reply_limits",
    Action.READ_CONVERSATIONS,
    gives=ReplyLimits,
)
async def read_reply_limits(asked: Asked[Nothing]) -> Answer:
    """What a reply may be.

    By the channel, the account's settings and this deployment's own limits. A reply beyond them is refused at once.
    """
    customer = await demand_customer(asked, asked.ids["customer_id"])
    one = customer.conversation(asked.ids["conversation_id"])
    try:
        limits = asked.parts.serve.takes(one)
    except ChannelTakesNoReplies:
        return json_answer(ReplyLimits(takes_replies=False))
    return json_answer(
        ReplyLimits(
            takes_replies=(stopped := one.stopped.get(one.handle)) is None,
            until=reply_until(one, limits.window),
            text_length_max=limits.text_length_max,
            files=_within(limits.files, asked.parts.settings.media_bytes_max),
            takes_templates=limits.takes_templates,
            stopped=stopped,
        )
    )


def _within(files: Files | None, bytes_max: int) -> Files | None:
    """No larger than this deployment keeps any."""
    if files is None:
        return None
    return replace(files, kinds=tuple(replace(one, bytes_max=min(one.bytes_max, bytes_max)) for one in files.kinds))


@command(MESSAGE + "/resend", Action.STEER_CONVERSATIONS, has_revision=True)
async def resend(asked: Asked[Nothing]) -> Answer:
    """Send a reply again.

    For one that the channel refused, or of which no sign came within ten minutes: 409 `sign-awaited` before that,
    `reply-on-its-way` while it is being sent, `nothing-to-decide` where it arrived or was given up. If it did arrive
    after all, the customer gets it twice: that is why a person decides.
    """
    ids = asked.ids
    return done_answer(
        await on_conversation(
            asked,
            lambda one: asked.parts.replies.resend(one, ids["customer_id"], ids["conversation_id"], ids["message_id"]),
        )
    )


@command(MESSAGE + "/give_up", Action.STEER_CONVERSATIONS, has_revision=True)
async def give_up(asked: Asked[Nothing]) -> Answer:
    """Leave a reply unsent.

    For the same replies as `resend`, and with the same refusals. The alert on the conversation is gone.
    """
    ids = asked.ids
    return done_answer(
        await on_conversation(
            asked,
            lambda one: asked.parts.replies.give_up(one, ids["customer_id"], ids["conversation_id"], ids["message_id"]),
        )
    )


OPERATIONS = (reply, read_reply_limits, resend, give_up)
"""Every operation on replies."""
