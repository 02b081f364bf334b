"""The directory knows accounts, queues, the policy and people as the log has them."""

from datetime import timedelta

import pytest

from application.directory import Directory
from application.follower import Follower
from domain.account import AccountDefinition
from domain.intake import Intake
from domain.person import Role
from domain.policy import RoutingPolicy
from domain.queue import QueueDefinition
from tests.application.situations import Shop, a_message, a_waiting_conversation

pytestmark = pytest.mark.anyio


async def admit(shop: Shop, login: str = "li.na", role: Role = Role.AGENT) -> str:
    _, person_id = await shop.set_up.admit(
        shop.command(), login=login, name="Li Na", role=role, password_hash="argon2", agent_id=None
    )
    return person_id


async def test_it_knows_an_account_as_defined_last(shop: Shop) -> None:
    definition = AccountDefinition(channel="webchat", name="New name", address="widget-7", queue_id=shop.queue_id)
    await shop.set_up.define_account(shop.command(), shop.account_id, definition)

    await shop.directory_follower.catch_up()

    account = shop.directory.account(shop.account_id)
    assert account is not None
    assert (account.id, account.definition, account.is_paused) == (shop.account_id, definition, False)
    assert shop.directory.account_at("webchat", "widget-7") == account
    assert shop.directory.account_at("email", "widget-7") is None
    assert shop.directory.account_at("webchat", "widget-8") is None
    assert shop.directory.account("account-" + "0" * 32) is None


async def test_it_knows_whether_an_account_is_paused(shop: Shop) -> None:
    await shop.set_up.pause_account(shop.command(), shop.account_id, "holidays")
    await shop.directory_follower.catch_up()
    assert shop.directory.accounts[shop.account_id].is_paused

    await shop.set_up.resume_account(shop.command(), shop.account_id)
    await shop.directory_follower.catch_up()
    assert not shop.directory.accounts[shop.account_id].is_paused


async def test_it_knows_how_work_enters_a_queue(shop: Shop) -> None:
    definition = QueueDefinition(name="Returns", priority=3, service_level_seconds=90)
    await shop.set_up.define_queue(shop.command(), shop.queue_id, definition)
    await shop.directory_follower.catch_up()

    intake = shop.directory.intake(shop.queue_id)

    assert intake == Intake(queue_id=shop.queue_id, priority=3, service_level=timedelta(seconds=90))


async def test_work_for_an_unknown_or_retired_queue_is_taken_all_the_same(shop: Shop) -> None:
    before = shop.directory.intake(shop.queue_id)
    await shop.set_up.retire_queue(shop.command(), shop.queue_id)
    await shop.directory_follower.catch_up()

    assert shop.directory.queues[shop.queue_id].is_retired
    assert shop.directory.intake(shop.queue_id) == before
    assert shop.directory.intake("queue-unknown") == Intake(queue_id="queue-unknown")


async def test_it_knows_the_newest_policy_and_its_number(shop: Shop) -> None:
    assert (shop.directory.policy.number, shop.directory.policy.rules) == (0, RoutingPolicy())

    for seconds in (30, 40):
        await shop.set_up.define_policy(shop.command(), RoutingPolicy(offer_timeout_seconds=seconds))
    await shop.directory_follower.catch_up()

    assert shop.directory.policy.number == 2
    assert shop.directory.policy.rules.offer_timeout_seconds == 40


async def test_it_knows_the_languages_that_somebody_speaks(shop: Shop) -> None:
    await shop.hire("Mei", {"lang:zh": 5, "returns": 3})
    await shop.directory_follower.catch_up()
    silent = shop.directory.languages
    await shop.set_up.define_policy(shop.command(), RoutingPolicy(language_prefix="lang:"))
    await shop.directory_follower.catch_up()
    before = shop.directory.languages
    await shop.hire("Ola", {"lang:de": 5})
    await shop.directory_follower.catch_up()

    assert silent is None, "nothing asks for a language"
    assert (before, shop.directory.languages) == (("zh",), ("de", "zh"))


async def test_it_finds_people_by_id_and_login(shop: Shop) -> None:
    person_id = await admit(shop, role=Role.SUPERVISOR)

    await shop.directory_follower.catch_up()

    person = shop.directory.person(person_id)
    assert person is not None
    assert (person.id, person.login, person.role) == (person_id, "li.na", Role.SUPERVISOR)
    assert shop.directory.by_login("li.na") == person
    assert shop.directory.by_login("somebody") is None
    assert shop.directory.person("person-unknown") is None


async def test_the_barred_are_not_found_until_they_are_readmitted(shop: Shop) -> None:
    person_id = await admit(shop)
    await shop.set_up.bar(shop.command(), person_id)
    await shop.directory_follower.catch_up()
    assert shop.directory.person(person_id) is None
    assert shop.directory.by_login("li.na") is None

    await shop.set_up.readmit(shop.command(), person_id)
    await shop.directory_follower.catch_up()
    assert shop.directory.by_login("li.na") == shop.directory.person(person_id)
    assert shop.directory.person(person_id) is not None


async def test_it_tells_at_once_who_has_changed(shop: Shop) -> None:
    told: list[str] = []
    shop.directory.on_person_changed.append(told.append)
    person_id = await admit(shop)

    await shop.set_up.give_role(shop.command(), person_id, Role.AUDITOR)
    await shop.set_up.replace_password(shop.command(), person_id, "argon2 anew")
    await shop.directory_follower.catch_up()

    assert told == [person_id] * 3
    person = shop.directory.people[person_id]
    assert (person.role, person.password_hash) == (Role.AUDITOR, "argon2 anew")


async def test_one_that_starts_late_knows_the_same(shop: Shop) -> None:
    await admit(shop)
    await shop.set_up.define_policy(shop.command(), RoutingPolicy(offer_timeout_seconds=30))
    await a_waiting_conversation(shop)
    await shop.directory_follower.catch_up()
    late = Directory(shop.log)

    await Follower(shop.log, late, batch_max=2).catch_up()

    assert (late.accounts, late.queues, late.people, late.policy) == (
        shop.directory.accounts,
        shop.directory.queues,
        shop.directory.people,
        shop.directory.policy,
    )
    assert await late.start() == await shop.log.head(), "it has taken what does not concern it too"


async def test_its_position_is_what_has_been_taken(shop: Shop) -> None:
    (receipt,) = await shop.receive(a_message())
    assert not await shop.directory_follower.reached(receipt.position, wait_seconds=0)

    await shop.directory_follower.catch_up(receipt.position)

    assert await shop.directory_follower.reached(receipt.position, wait_seconds=0)
