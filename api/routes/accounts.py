"""Channel accounts: the numbers, mailboxes and widgets that customers write to. Secrets go in and never come out."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.access.permissions import Action
from api.http.answer import Answer, Stands, done_answer, json_answer
from api.http.asked import Asked
from api.http.fields import NO_NUL, Name, QueueId, Reason, Word
from api.http.known import demand_known
from api.http.operation import Nothing, command, read
from channels.table import CHANNELS, check_definition
from domain.account import AccountDefinition
from domain.outbound.templates import Approved

SettingText = Annotated[str, Meta(max_length=8_000, extra_json_schema=NO_NUL)]
EXAMPLE = {"channel": "adapter", "name": "Marketplace", "queue_id": "queue-0193a7c2d4e57f0aa1b2c3d4e5f60718"}


class AccountWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a channel account is to be; it replaces the whole definition, secrets included."""

    channel: Annotated[str, Meta(max_length=64, extra_json_schema={"enum": sorted(CHANNELS)})]
    """It stays what it was when the account was set up."""
    name: Name
    queue_id: QueueId
    """Where new conversations of this account wait."""
    address: Annotated[str, Meta(max_length=320, extra_json_schema=NO_NUL)] = ""
    """What the provider calls the account: a phone number id, a mailbox address, a widget name."""
    settings: Annotated[dict[Word, SettingText], Meta(max_length=50)] = {}
    """What the channel needs. Each channel's file in `channels/` says which; what is missing is refused by name."""
    default_region: Annotated[str, Meta(pattern="^([A-Z]{2})?$", max_length=2)] = ""
    """Country (ISO 3166) that phone numbers without one belong to."""

    def definition(self) -> AccountDefinition:
        """Raises AccountInvalid."""
        definition = AccountDefinition(**msgspec.structs.asdict(self))
        check_definition(definition)
        return definition


class AccountStands(Stands, kw_only=True):
    """The account, and where the command led."""

    account_id: str


class PauseWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is paused."""

    reason: Reason = ""


class AccountShown(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it stands. Of its settings only the names: most are secrets."""

    id: str
    channel: str
    name: str
    address: str
    queue_id: str
    default_region: str
    setting_names: list[str]
    is_paused: bool


class AccountsShown(msgspec.Struct, frozen=True, kw_only=True):
    """All channel accounts, the paused ones too."""

    items: list[AccountShown]


@read("/v1/accounts", Action.READ_ACCOUNTS, gives=AccountsShown)
async def list_accounts(asked: Asked[Nothing]) -> Answer:
    """All channel accounts.

    As this process knows them, by name. A few hundred at most, so they come in one page.
    """
    shown = [
        AccountShown(
            id=account.id,
            channel=said.channel,
            name=said.name,
            address=said.address,
            queue_id=said.queue_id,
            default_region=said.default_region,
            setting_names=sorted(said.settings),
            is_paused=account.is_paused,
        )
        for account in asked.parts.directory.accounts.values()
        if (said := account.definition) is not None
    ]
    return json_answer(AccountsShown(items=sorted(shown, key=lambda one: (one.name, one.id))))


@command(
    "/v1/accounts",
    Action.DEFINE_ACCOUNTS,
    takes=AccountWanted,
    gives=AccountStands,
    status=201,
    statuses=(404,),
    example=EXAMPLE,
)
async def open_account(asked: Asked[AccountWanted]) -> Answer:
    """Set up a channel account.

    Refused where it could not work: 409 names the setting that is missing, or the secret that another account has where
    nothing else tells the two apart; 404 a queue that does not exist.
    """
    definition = asked.given.definition()
    await demand_known(asked.parts, definition.queue_id)
    told_by = CHANNELS[definition.channel].told_by
    done, account_id = await asked.parts.define.define_account(asked.command, None, definition, told_by=told_by)
    return done_answer(done, AccountStands(position=done.position, account_id=account_id), status=201)


@command(
    "/v1/accounts/{account_id}/define",
    Action.DEFINE_ACCOUNTS,
    takes=AccountWanted,
    gives=AccountStands,
    example=EXAMPLE,
)
async def define_account(asked: Asked[AccountWanted]) -> Answer:
    """Set a channel account up anew.

    Replaces its whole definition, secrets included. Its channel stays.
    """
    account_id, definition = asked.ids["account_id"], asked.given.definition()
    await demand_known(asked.parts, account_id)
    await demand_known(asked.parts, definition.queue_id)
    told_by = CHANNELS[definition.channel].told_by
    done, _ = await asked.parts.define.define_account(asked.command, account_id, definition, told_by=told_by)
    return done_answer(done, AccountStands(position=done.position, account_id=account_id))


@command("/v1/accounts/{account_id}/pause", Action.DEFINE_ACCOUNTS, takes=PauseWanted, example={"reason": "moving"})
async def pause_account(asked: Asked[PauseWanted]) -> Answer:
    """Pause a channel account.

    It takes no messages in and sends none until `resume`. What providers deliver meanwhile is kept and read then;
    adapters get 409.
    """
    return done_answer(
        await asked.parts.set_up.pause_account(asked.command, asked.ids["account_id"], asked.given.reason)
    )


@command("/v1/accounts/{account_id}/resume", Action.DEFINE_ACCOUNTS)
async def resume_account(asked: Asked[Nothing]) -> Answer:
    """Undo `pause`."""
    return done_answer(await asked.parts.define.resume_account(asked.command, asked.ids["account_id"]))


class TemplatesShown(msgspec.Struct, frozen=True, kw_only=True):
    """Texts that the provider approved for the account, by name and language."""

    items: tuple[Approved, ...]


@read("/v1/accounts/{account_id}/templates", Action.READ_TEMPLATES, gives=TemplatesShown, statuses=(404, 409, 503))
async def list_templates(asked: Asked[Nothing]) -> Answer:
    """The templates of a channel account.

    Asked of the provider, and kept for a minute. A reply names one and what fills it in. 409 where the channel has no
    templates, or names the setting that the account lacks (`waba_id` of WhatsApp); 503 where the provider does not
    tell.
    """
    account, _ = asked.parts.directory.defined_account(asked.ids["account_id"])
    return json_answer(TemplatesShown(items=await asked.parts.templates.of(account)))


OPERATIONS = (list_accounts, open_account, define_account, pause_account, resume_account, list_templates)
