"""What administrators set up: queues, the policy, channel accounts, people and keys."""

import hashlib

import msgspec
import pytest

from application.commands import ClaimTaken, Done
from application.directory import POLICY
from application.use_cases.set_up import key_hash
from domain.account import AccountDefined, AccountDefinition, AccountInvalid, AccountUnknown
from domain.person import KeyIssued, PersonUnknown, Role
from domain.policy import PolicyDefined, PolicyInvalid, RoutingPolicy
from domain.queue import QueueDefined, QueueDefinition, QueueDefinitionInvalid, QueueUnknown
from tests.application.situations import Shop, kinds

pytestmark = pytest.mark.anyio

RETURNS = QueueDefinition(name="Returns", required_skills={"returns": 3})


async def admit(shop: Shop, login: str = "li.na", key: str = "") -> tuple[Done, str]:
    return await shop.set_up.admit(
        shop.command(key=key), login=login, name="Li Na", role=Role.AGENT, password_hash="argon2", agent_id=None
    )


async def test_a_queue_is_defined_and_defined_anew(shop: Shop) -> None:
    head = await shop.log.head()
    _, queue_id = await shop.set_up.define_queue(shop.command(), None, RETURNS)
    anew = QueueDefinition(name="Returns", priority=2)

    await shop.set_up.define_queue(shop.command(), queue_id, anew)

    assert await shop.since(head) == [QueueDefined(definition=RETURNS), QueueDefined(definition=anew)]
    assert [recorded.version for recorded in await shop.log.read_stream(queue_id)] == [1, 2]


async def test_the_same_definition_again_is_not_news(shop: Shop) -> None:
    _, queue_id = await shop.set_up.define_queue(shop.command(), None, RETURNS)
    head = await shop.log.head()

    await shop.set_up.define_queue(shop.command(), queue_id, RETURNS)

    assert await shop.since(head) == []


async def test_a_repeated_definition_names_the_same_new_thing(shop: Shop) -> None:
    account = AccountDefinition(channel="email", name="Mail", queue_id=shop.queue_id)

    queue_ids = {(await shop.set_up.define_queue(shop.command(key="q"), None, RETURNS))[1] for _ in range(2)}
    account_ids = {(await shop.set_up.define_account(shop.command(key="a"), None, account))[1] for _ in range(2)}
    person_ids = {(await admit(shop, key="p"))[1] for _ in range(2)}

    assert [len(ids) for ids in (queue_ids, account_ids, person_ids)] == [1, 1, 1]


async def test_a_queue_that_cannot_work_is_refused(shop: Shop) -> None:
    with pytest.raises(QueueDefinitionInvalid, match="priority: 11"):
        await shop.set_up.define_queue(shop.command(), None, QueueDefinition(name="Returns", priority=11))


async def test_a_queue_is_retired_once_and_comes_back_when_defined(shop: Shop) -> None:
    _, queue_id = await shop.set_up.define_queue(shop.command(), None, RETURNS)
    head = await shop.log.head()

    for _ in range(2):
        await shop.set_up.retire_queue(shop.command(), queue_id)
    await shop.set_up.define_queue(shop.command(), queue_id, RETURNS)

    assert kinds(await shop.since(head)) == ["queue.retired", "queue.defined"]
    with pytest.raises(QueueUnknown):
        await shop.set_up.retire_queue(shop.command(), "queue-" + "0" * 32)


async def test_a_policy_gets_the_next_number_and_a_hash_that_anybody_can_check(shop: Shop) -> None:
    rules = RoutingPolicy(offer_timeout_seconds=30)

    for _ in range(2):
        await shop.set_up.define_policy(shop.command(), rules)

    (defined,) = await shop.log.read_stream(POLICY)
    digest = hashlib.sha256(msgspec.json.encode(rules, order="deterministic")).hexdigest()
    assert defined.event == PolicyDefined(rules=rules, sha256=digest)
    assert defined.version == 1


async def test_a_policy_that_cannot_work_is_refused(shop: Shop) -> None:
    with pytest.raises(PolicyInvalid, match=r"units\.email: 0"):
        await shop.set_up.define_policy(shop.command(), RoutingPolicy(units={"email": 0}))


async def test_an_account_keeps_its_channel(shop: Shop) -> None:
    mail = AccountDefinition(channel="email", name="Mail", queue_id=shop.queue_id)
    renamed = AccountDefinition(channel="email", name="Post", queue_id=shop.queue_id)
    _, account_id = await shop.set_up.define_account(shop.command(), None, mail)
    head = await shop.log.head()

    await shop.set_up.define_account(shop.command(), account_id, renamed)

    assert await shop.since(head) == [AccountDefined(definition=renamed)]
    other = AccountDefinition(channel="webchat", name="Post", queue_id=shop.queue_id)
    with pytest.raises(AccountInvalid, match="is email and stays so"):
        await shop.set_up.define_account(shop.command(), account_id, other)


async def test_an_account_is_paused_and_resumed_once(shop: Shop) -> None:
    head = await shop.log.head()

    for _ in range(2):
        await shop.set_up.pause_account(shop.command(), shop.account_id, "holidays")
    for _ in range(2):
        await shop.set_up.resume_account(shop.command(), shop.account_id)

    assert kinds(await shop.since(head)) == ["account.paused", "account.resumed"]
    with pytest.raises(AccountUnknown):
        await shop.set_up.pause_account(shop.command(), "account-" + "0" * 32, "")
    with pytest.raises(AccountUnknown):
        await shop.set_up.resume_account(shop.command(), "account-" + "0" * 32)


async def test_a_login_name_is_taken_once_however_it_is_written(shop: Shop) -> None:
    await admit(shop, "li.na")
    head = await shop.log.head()

    with pytest.raises(ClaimTaken):
        await admit(shop, "Li.Na")

    assert await shop.since(head) == []


async def test_a_person_changes_role_and_password_and_is_barred_and_readmitted(shop: Shop) -> None:
    _, person_id = await admit(shop)
    head = await shop.log.head()

    for _ in range(2):
        await shop.set_up.give_role(shop.command(), person_id, Role.SUPERVISOR)
        await shop.set_up.bar(shop.command(), person_id)
    for _ in range(2):
        await shop.set_up.readmit(shop.command(), person_id)
    await shop.set_up.replace_password(shop.command(), person_id, "argon2 anew")

    assert kinds(await shop.since(head)) == [
        "person.role_given",
        "person.barred",
        "person.readmitted",
        "person.password_replaced",
    ]


async def test_a_person_who_does_not_exist_is_refused(shop: Shop) -> None:
    nobody = "person-" + "0" * 32

    for attempt in (
        shop.set_up.give_role(shop.command(), nobody, Role.AGENT),
        shop.set_up.bar(shop.command(), nobody),
        shop.set_up.readmit(shop.command(), nobody),
        shop.set_up.replace_password(shop.command(), nobody, "argon2"),
    ):
        with pytest.raises(PersonUnknown):
            await attempt


async def test_a_key_is_shown_once_and_stored_as_a_hash(shop: Shop) -> None:
    head = await shop.log.head()
    issuing = {"name": "Shopify", "role": Role.ADAPTER, "account_ids": (shop.account_id,)}

    _, key_id, key = await shop.set_up.issue_key(shop.command(key="k"), **issuing)  # type: ignore[arg-type]
    again, same_id, nothing = await shop.set_up.issue_key(shop.command(key="k"), **issuing)  # type: ignore[arg-type]

    assert await shop.since(head) == [
        KeyIssued(name="Shopify", role=Role.ADAPTER, key_hash=key_hash(key), account_ids=(shop.account_id,))
    ]
    assert (again.is_repeat, same_id, nothing) == (True, key_id, "")
