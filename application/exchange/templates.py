"""The templates that providers approved for our accounts, asked for when somebody wants them and kept for a little."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

import httpx
import msgspec
from msgspec.structs import replace

from domain.account import Account, AccountDefinition, AccountInvalid, AccountUnknown
from domain.outbound.templates import Approved, ChannelTakesNoTemplates, Template, wording_of

KEPT_SECONDS = 60.0
"""Whoever has a template approved sees it here that much later."""
WORDS_KEPT_SECONDS = 3_600.0
"""Approved words change rarely, and never without being approved anew."""
WORDS_SECONDS_MAX = 2.0
"""So long a reply waits for how its template reads; then it goes with the name alone."""
PROVIDER_SECONDS_MAX = 10.0

logger = logging.getLogger(__name__)


class TemplatesNotTold(Exception):
    """The provider does not tell its templates at the moment."""


ListTemplates = Callable[[AccountDefinition, httpx.AsyncClient], Awaitable[tuple[Approved, ...]]]
"""Those that are approved for the account. Raises AccountInvalid, TemplatesNotTold."""


class _Kept(msgspec.Struct):
    lock: asyncio.Lock
    definition: AccountDefinition | None = None
    templates: tuple[Approved, ...] = ()
    at: float = 0.0


class Templates:
    """Of each account, kept in this process. Who asks while they are fetched waits for that answer."""

    def __init__(
        self,
        lists: Mapping[str, ListTemplates],
        clock: Callable[[], float] = time.monotonic,
        *,
        words_seconds_max: float = WORDS_SECONDS_MAX,
    ) -> None:
        self._lists = lists
        self._clock = clock
        self._words_seconds_max = words_seconds_max
        self._kept: dict[str, _Kept] = {}

    async def of(self, account: Account, kept_seconds: float = KEPT_SECONDS) -> tuple[Approved, ...]:
        """Those that are approved, at most so old.

        Raises AccountUnknown, ChannelTakesNoTemplates, AccountInvalid, TemplatesNotTold.
        """
        definition = account.definition
        if definition is None:
            raise AccountUnknown
        if (fetch := self._lists.get(definition.channel)) is None:
            raise ChannelTakesNoTemplates(f"{definition.channel} knows no templates")
        kept = self._kept.setdefault(account.id, _Kept(asyncio.Lock()))
        async with kept.lock:
            if kept.definition != definition or self._clock() - kept.at > kept_seconds:
                async with httpx.AsyncClient(timeout=PROVIDER_SECONDS_MAX) as client:
                    kept.templates = await fetch(definition, client)
                kept.definition, kept.at = definition, self._clock()
            return kept.templates

    async def worded(self, account: Account | None, template: Template) -> Template:
        """With how it reads, where that can be known now; else as it is. Raises nothing."""
        try:
            async with asyncio.timeout(self._words_seconds_max):
                known = await self.of(account or Account(), WORDS_KEPT_SECONDS)
        except (TimeoutError, TemplatesNotTold, AccountUnknown, AccountInvalid, ChannelTakesNoTemplates) as error:
            logger.info("how a template reads is not known: %s", type(error).__name__)
            return template
        asked = (template.name, template.language)
        approved = next((one for one in known if (one.name, one.language) == asked), None)
        return template if approved is None else replace(template, words=wording_of(approved, template))
