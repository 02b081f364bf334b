"""Whatever happens to a file on its way: no customer gets it twice, and what follows it in its talk comes after it.

Real channel, real HTTP on loopback, the real log. Who takes a sending without answering has delivered it.
"""

from pathlib import Path

import pytest

from channels import whatsapp as medium
from channels.edge.limits import LIMITS
from domain.interaction import Attachment
from domain.outbound.delivery import DeliveryAccepted, DeliveryRejected, DeliveryUnknown
from tests.application.exchange.test_files import attaching, replied
from tests.application.policies.media.situations import PNG
from tests.application.policies.scripted_channel import Sender, deliveries
from tests.application.policies.test_sender_gate import a_conversation, an_account, go_on, whatsapp
from tests.application.situations import Case, Shop
from tests.channels.scripted_provider import (
    DROPPED,
    SILENCE,
    Scripted,
    Taken,
    accepts_whatsapp,
    answers,
    scripted_provider,
    server_error,
    too_many,
)

pytestmark = pytest.mark.anyio
UPLOADED = answers(200, {"id": "1013859600285441"})


def accepts(request: Taken, number: int) -> Scripted:
    return UPLOADED if request.path.endswith("/media") else accepts_whatsapp(request, number)


async def a_file_and_then_a_text(shop: Shop, case: Case, folder: Path) -> None:
    stored = await attaching(shop, folder).add(shop.command(), *case.ids, case.agent_id, PNG, "")
    attachments: tuple[Attachment, ...] = await attaching(shop, folder).found(
        case.customer_id, [(stored.digest, "map.png")]
    )
    await replied(shop, case, *attachments)
    await replied(shop, case, text="There it is")


async def fared(
    shop: Shop, folder: Path, *script: Scripted
) -> tuple[list[str], list[type[DeliveryAccepted | DeliveryRejected | DeliveryUnknown]]]:
    """What was sent, by kind and in order, and how each attempt ended."""
    async with scripted_provider(*script, accepts=accepts) as provider:
        account_id = await an_account(shop, "whatsapp", "1122334455667", whatsapp(provider.url))
        await shop.hire()
        case, head = await a_conversation(shop, account_id, "+4930901820"), await shop.log.head()
        sender = Sender(
            shop, {"whatsapp": medium.send}, {"whatsapp": LIMITS["whatsapp"]}, timeout_seconds=0.3, folder=folder
        )
        async with sender.client:
            await a_file_and_then_a_text(shop, case, folder)
            await go_on(shop, sender)
        sent = [one.json["type"] for one in provider.taken if one.path.endswith("/messages")]
    told = await deliveries(shop, head)
    ended = [type(one) for one in told if isinstance(one, DeliveryAccepted | DeliveryRejected | DeliveryUnknown)]
    return sent, ended


@pytest.mark.parametrize("trouble", [SILENCE, DROPPED, server_error(), too_many(1)])
async def test_an_upload_that_failed_is_made_again_and_the_text_waits(
    shop: Shop, tmp_path: Path, trouble: Scripted
) -> None:
    sent, ended = await fared(shop, tmp_path, trouble)

    assert sent == ["image", "text"]
    assert ended == [DeliveryRejected, DeliveryAccepted, DeliveryAccepted]


@pytest.mark.parametrize("trouble", [SILENCE, DROPPED])
async def test_a_file_that_may_have_arrived_is_never_sent_again(shop: Shop, tmp_path: Path, trouble: Scripted) -> None:
    sent, ended = await fared(shop, tmp_path, UPLOADED, trouble)

    assert sent == ["image", "text"]
    assert ended == [DeliveryUnknown, DeliveryAccepted]
