"""What is in a delivery, and for which accounts: read by its channel's parser, or as an adapter's message."""

import asyncio
import traceback
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from api.doors.adapters.reading import read_message
from api.doors.trust import trusted, unpacked
from api.http.refusals import Invalid
from application.commands import Contended
from application.directory import Directory
from application.exchange.deliveries import Kept
from application.exchange.media import Get, MediaRefused
from application.log import LogBusy, LogUnreachable
from channels.edge.payload import Delivery, Portion, Posted, SignatureWrong, UnreadablePayload
from channels.table import CHANNELS, Webhook
from domain.account import Account
from domain.event import RuleBroken

ADAPTER = "adapter"
"""The channel of deliveries that hold one message as adapters write it, whatever their account's own channel is."""
OFF_THE_LOOP_BYTES = 131_072
"""Reading more than this takes so long that requests should not wait for it."""
UNKNOWN_ATTEMPTS_MAX = 10
"""For an account that nobody has set up: some five minutes of pauses that double up to one minute."""
ERROR_CHARACTERS_MAX = 300


class NotReadable(Exception):
    """Somebody has to mend something before this can be read."""


class NotYet(Exception):
    """It may be readable a little later."""


class Read(msgspec.Struct):
    """A delivery that could be read."""

    kept: Kept
    portions: dict[str, Portion]
    """By account."""
    strangers: list[str]
    """Addresses in it that no account here has."""
    ignored: list[str]
    """Kinds of news that are not stored."""
    notices: list[tuple[str, str]]
    """Those of them that are about an account itself, by account."""


class DeliveryContents:
    """Reads one delivery at a time."""

    def __init__(self, directory: Directory, get: Get) -> None:
        self._directory = directory
        self._get = get

    async def read(self, kept: Kept, content: bytes | None) -> Read:
        """What is in it. Raises NotReadable, NotYet, each with class and sentence of what was in the way."""
        account = self._directory.account(kept.account_ids[0])
        if account is None or account.definition is None:
            if kept.attempts < UNKNOWN_ATTEMPTS_MAX:  # this process has not heard of it yet
                raise NotYet("AccountUnknown: not known yet")
            raise NotReadable("AccountUnknown: there is no such account")
        if content is None:
            raise NotReadable("Unreadable: it was altered, or its master key is not at hand")
        if kept.channel == ADAPTER:
            return _of_adapter(kept, content)
        channel = CHANNELS.get(kept.channel)
        if channel is None or channel.webhook is None:
            raise NotReadable("Unreadable: there is no such channel")
        try:
            posted = whole = unpacked(content)
            if channel.webhook.complete is not None:
                whole = await channel.webhook.complete(account.definition, posted, self._get)
            if kept.size_bytes > OFF_THE_LOOP_BYTES:
                delivery = await asyncio.to_thread(channel.webhook.parse, account.definition, whole)
            else:
                delivery = channel.webhook.parse(account.definition, whole)
        except MediaRefused as error:
            raise (NotReadable if error.is_final else NotYet)(told(error)) from None
        except Exception as error:  # noqa: BLE001  # of a parser, whatever it is: somebody will mend it
            raise NotReadable(told(error)) from None
        return self._sorted(kept, posted, delivery, channel.webhook)

    def _sorted(self, kept: Kept, posted: Posted, delivery: Delivery, webhook: Webhook) -> Read:
        """Each item to the account that the provider calls by its address."""
        by_address = self._by_address(kept.account_ids)
        addresses = {address for field in Portion.__struct_fields__ for address, _ in getattr(delivery, field)}
        if not addresses <= by_address.keys():  # an account may have been set up since it came
            of_channel = [one for one in self._directory.accounts.values() if _is_of(one, kept.channel)]
            with suppress(SignatureWrong):  # the secrets may have been rolled
                by_address = self._by_address([one.id for one in trusted(posted, webhook, of_channel)]) | by_address
        portions: dict[str, Portion] = {}
        for field in Portion.__struct_fields__:
            for address, item in getattr(delivery, field):
                if (account_id := by_address.get(address)) is not None:
                    getattr(portions.setdefault(account_id, Portion()), field).append(item)
        notices = [
            (account_id, kind)
            for address, kind in delivery.notices
            for account_id in ([by_address[address]] if address in by_address else kept.account_ids)
        ]
        return Read(kept, portions, sorted(addresses - by_address.keys()), delivery.ignored, notices)

    def _by_address(self, account_ids: Sequence[str]) -> dict[str, str]:
        # Of several that share an address and a secret the first gets it, since it is read with that one's settings.
        known = [(one, self._directory.account(one)) for one in reversed(account_ids)]
        return {account.definition.address: one for one, account in known if account and account.definition}


def _is_of(account: Account, channel: str) -> bool:
    return account.definition is not None and account.definition.channel == channel


def _of_adapter(kept: Kept, content: bytes) -> Read:
    """Raises NotReadable."""
    (account_id,) = kept.account_ids
    try:
        message = read_message(unpacked(content).raw, account_id, received_at=kept.received_at)
    except (Invalid, UnreadablePayload) as error:
        raise NotReadable(told(error)) from None
    return Read(kept, {account_id: Portion(messages=[message])}, [], [], [])


def told(error: Exception) -> str:
    """Class and sentence; of what nobody foresaw the place instead, since its message may hold what somebody wrote.

    Example: `"UnreadablePayload: entry: a WhatsApp delivery has a list here"`, `"KeyError in channels/line.py:71"`
    """
    name = type(error).__name__
    if isinstance(error, UnreadablePayload | Invalid):
        return f"{name}: {error}"[:ERROR_CHARACTERS_MAX].replace("\0", "")
    if isinstance(error, RuleBroken | LogBusy | LogUnreachable | Contended):
        return f"{name}: {(type(error).__doc__ or '').strip().partition(chr(10))[0]}"
    frames = traceback.extract_tb(error.__traceback__)
    place = "/".join(frames[-1].filename.rsplit("/", 2)[-2:]) if frames else "an unknown place"
    return f"{name} in {place}:{frames[-1].lineno if frames else 0}"
