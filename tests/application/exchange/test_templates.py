"""Templates are asked of the provider once a minute at most, and no reply waits long for how one reads."""

import asyncio

import httpx
import pytest

from application.exchange.templates import KEPT_SECONDS, WORDS_KEPT_SECONDS, Templates, TemplatesNotTold
from domain.account import Account, AccountDefinition, AccountUnknown
from domain.outbound.templates import Approved, ChannelTakesNoTemplates, Template

pytestmark = pytest.mark.anyio

THANKS = Approved(name="thanks", language="de", body="Danke, {{1}}!")
SENT = Template(name="thanks", language="de", parameters=("Ana",))


def an_account(channel: str = "whatsapp", name: str = "Shop") -> Account:
    return Account(id="account-1", definition=AccountDefinition(channel=channel, name=name, queue_id="queue-1"))


class Provider:
    """Tells its one template, counts how often, and refuses where it is told to."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.times = 0
        self.now = 0.0
        self.refuses = refuses
        self.templates = Templates({"whatsapp": self.list}, lambda: self.now)

    async def list(self, definition: AccountDefinition, client: httpx.AsyncClient) -> tuple[Approved, ...]:
        del definition, client
        self.times += 1
        await asyncio.sleep(0)
        if self.refuses is not None:
            raise self.refuses
        return (THANKS,)


async def test_who_asks_at_once_or_soon_after_shares_one_answer() -> None:
    provider = Provider()

    together = await asyncio.gather(*(provider.templates.of(an_account()) for _ in range(3)))
    provider.now = KEPT_SECONDS
    await provider.templates.of(an_account())
    soon = provider.times
    provider.now = KEPT_SECONDS + 1
    await provider.templates.of(an_account())

    assert together == [(THANKS,)] * 3
    assert (soon, provider.times) == (1, 2)


async def test_an_account_that_is_defined_anew_is_asked_for_anew() -> None:
    provider = Provider()

    await provider.templates.of(an_account())
    await provider.templates.of(an_account(name="Another"))

    assert provider.times == 2


async def test_a_refusal_is_not_kept() -> None:
    provider = Provider(TemplatesNotTold("busy"))
    with pytest.raises(TemplatesNotTold):
        await provider.templates.of(an_account())

    provider.refuses = None

    assert await provider.templates.of(an_account()) == (THANKS,)


async def test_a_channel_without_templates_and_an_account_that_is_not_there_are_refused() -> None:
    provider = Provider()

    with pytest.raises(ChannelTakesNoTemplates, match="telegram knows no templates"):
        await provider.templates.of(an_account("telegram"))
    with pytest.raises(AccountUnknown):
        await provider.templates.of(Account())


async def test_a_template_that_is_known_gets_its_words_for_an_hour_from_one_answer() -> None:
    provider = Provider()

    first = await provider.templates.worded(an_account(), SENT)
    provider.now = WORDS_KEPT_SECONDS
    again = await provider.templates.worded(an_account(), SENT)

    assert (first.words, again.words, provider.times) == ("Danke, Ana!", "Danke, Ana!", 1)


@pytest.mark.parametrize(
    ("account", "template", "refuses"),
    [
        (an_account(), SENT, TemplatesNotTold("busy")),
        (an_account("telegram"), SENT, None),
        (None, SENT, None),
        (an_account(), Template(name="other", language="de"), None),
        (an_account(), Template(name="thanks", language="en"), None),
    ],
)
async def test_a_template_that_is_not_known_goes_without_words(
    account: Account | None, template: Template, refuses: Exception | None
) -> None:
    assert await Provider(refuses).templates.worded(account, template) == template


async def test_a_provider_that_keeps_silent_holds_up_no_reply() -> None:
    async def never(definition: AccountDefinition, client: httpx.AsyncClient) -> tuple[Approved, ...]:
        del definition, client
        await asyncio.Event().wait()
        raise AssertionError("nobody answers")

    templates = Templates({"whatsapp": never}, words_seconds_max=0.01)

    assert await templates.worded(an_account(), SENT) == SENT
