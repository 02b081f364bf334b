"""A document is applied as one append: rules and queues together with the hash of it, or nothing."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from application.commands import Contended, KeyReused, RevisionStale
from application.directory import POLICY
from application.follower import Follower
from application.plans.apply_plan import Applied, ApplyPlan
from application.plans.history import PolicyNumberUnknown, history, standing_at
from application.plans.problems import PlanRefused, PlanUnreadable
from application.plans.written import as_yaml, document_of
from domain.event import Recorded
from domain.policy import Policy, PolicyDefined, RoutingPolicy
from domain.queue import Limit, OverflowRule, QueueDefined, QueueDefinition, QueueRetired
from infrastructure.log.pool import ReadPool
from infrastructure.views.readers import PostgresViewReaders
from tests.application.situations import Shop, a_waiting_conversation, an_open_shop, everything
from tests.application.views.situations import Views

pytestmark = pytest.mark.anyio
EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """Two agents for returns; the view of the conversations is not built yet."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(EMPTY)
    async with an_open_shop(database_url) as opened:
        await opened.hire("Mei", {"returns": 5})
        await opened.hire("Kim", {"returns": 4})
        yield opened


@pytest.fixture
async def views(shop: Shop) -> AsyncIterator[Views]:
    made = Views(shop.url, shop.log)
    yield made
    await made.close()


@pytest.fixture
async def plans(shop: Shop) -> AsyncIterator[ApplyPlan]:
    pool = ReadPool(shop.url, connections_max=2, timeout_seconds=10)
    await pool.open()
    yield ApplyPlan(shop.commands, shop.directory, shop.directory_follower, PostgresViewReaders(pool))
    await pool.close()


async def apply(
    plans: ApplyPlan, shop: Shop, text: str, *, key: str = "", number: int | None = None, is_forced: bool = False
) -> Applied:
    await shop.directory_follower.catch_up()
    command = shop.command(key=key, content=text.encode(), expected_revision=number)
    return await plans.apply(command, text.encode(), "r.yaml", is_forced=is_forced)


async def added(shop: Shop, after: int) -> list[Recorded]:
    return await everything(shop.log, after)


def queue_called(name: str, shop: Shop) -> str:
    """Its id."""
    queues = shop.directory.queues.items()
    return next(queue_id for queue_id, one in queues if one.definition is not None and one.definition.name == name)


BOTH = "policy: {units: {phone: 3}}\nqueues: {Returns: {required_skills: {returns: 3}}, New: {}}"


async def test_rules_and_queues_are_stored_in_one_append(shop: Shop, plans: ApplyPlan) -> None:
    before = await shop.log.head()

    applied = await apply(plans, shop, BOTH)

    stored = await added(shop, before)
    *queues, defined = [recorded.event for recorded in stored]
    assert isinstance(defined, PolicyDefined)
    assert (defined.rules, defined.document_sha256) == (RoutingPolicy(units={"phone": 3}), applied.sha256)
    assert sorted(one.definition.name for one in queues if isinstance(one, QueueDefined)) == ["New", "Returns"]
    assert stored[-1].stream == POLICY
    assert (applied.number, applied.done.position) == (1, stored[-1].position)
    assert len({recorded.recorded_at for recorded in stored}) == 1
    assert applied.changes == ("policy", "New", "Returns")


async def test_the_same_document_again_is_not_news(shop: Shop, plans: ApplyPlan) -> None:
    first = await apply(plans, shop, BOTH)
    head = await shop.log.head()

    again = await apply(plans, shop, BOTH)

    assert await shop.log.head() == head
    assert (again.number, again.sha256, again.changes) == (1, first.sha256, ())


async def test_a_document_that_stands_is_judged_all_the_same(shop: Shop, plans: ApplyPlan) -> None:
    await shop.open_queue("Stuck", required_skills={"klingon": 9})
    text = "queues: {Stuck: {required_skills: {klingon: 9}}}"

    judged = await plans.check(shop.command(), text.encode(), "r.yaml")
    applied = await apply(plans, shop, text)

    assert [(one.path, one.reason) for one in judged.warnings] == [
        ("queues.Stuck.required_skills.klingon", "nobody has this skill")
    ]
    assert (judged.changes, applied.changes) == ((), ())


async def test_queues_alone_get_a_number_too(shop: Shop, plans: ApplyPlan) -> None:
    await apply(plans, shop, BOTH)

    applied = await apply(plans, shop, "queues: {New: {priority: 3}}")

    standing = await standing_at(shop.log, list(shop.directory.queues), applied.number)
    assert (applied.number, standing.rules) == (2, RoutingPolicy(units={"phone": 3}))


async def test_nothing_of_a_refused_document_is_stored(shop: Shop, plans: ApplyPlan) -> None:
    await shop.directory_follower.catch_up()
    head = await shop.log.head()

    for text, refusal in (
        ("queues: {New: {}, Bad: {required_skills: {sales: 1}}}", PlanRefused),
        ("queues: {New: {}, Bad: {priority: 99}}", PlanUnreadable),
        ("queues: [", PlanUnreadable),
    ):
        with pytest.raises(refusal, match=r"^r\.yaml:\d+:\d+: "):
            await apply(plans, shop, text)

    assert await shop.log.head() == head


async def test_warnings_refuse_too_unless_forced(shop: Shop, plans: ApplyPlan) -> None:
    text = "queues: {Few: {required_skills: {returns: 5}}}"

    with pytest.raises(PlanRefused, match=r"warning: queues\.Few: only one agent could serve it: Mei"):
        await apply(plans, shop, text)

    assert (await apply(plans, shop, text, is_forced=True)).number == 1


async def test_a_document_made_from_an_older_number_is_refused(shop: Shop, plans: ApplyPlan) -> None:
    await apply(plans, shop, BOTH, number=0)

    with pytest.raises(RevisionStale, match="it stands at revision 1, you expected 0"):
        await apply(plans, shop, "queues: {New: {priority: 1}}", number=0)


async def test_a_repeated_command_gets_its_first_answer_whatever_came_after(shop: Shop, plans: ApplyPlan) -> None:
    first = await apply(plans, shop, BOTH, key="k")
    await apply(plans, shop, "policy: {units: {phone: 4}}")
    head = await shop.log.head()

    again = await apply(plans, shop, BOTH, key="k")

    assert (again.done.position, again.number, again.done.is_repeat) == (first.done.position, 1, True)
    assert await shop.log.head() == head
    with pytest.raises(KeyReused):
        await apply(plans, shop, "queues: {New: {priority: 9}}", key="k")


async def test_a_directory_that_lags_behind_decides_nothing(shop: Shop, plans: ApplyPlan) -> None:
    await shop.directory_follower.catch_up()
    await shop.set_up.define_policy(shop.command(), RoutingPolicy(units_otherwise=3))

    with pytest.raises(Contended):
        await plans.apply(shop.command(expected_revision=0), b"policy: {units_otherwise: 1}")


async def test_waiting_work_is_not_stranded(shop: Shop, plans: ApplyPlan, views: Views) -> None:
    await a_waiting_conversation(shop)
    await shop.hire("Ana", {"spanish": 5})
    projection = views.projection("conversations")
    await Follower(shop.log, projection).catch_up()
    text = "policy: {kinds: {webchat: call}, at_most: {webchat: 0}}"

    with pytest.raises(PlanRefused, match="1 conversation waits in 'Returns' now that nobody could serve any more"):
        await apply(plans, shop, text)
    with pytest.raises(PlanRefused, match="1 conversation waits in it: say to_queue"):
        await apply(plans, shop, "queues: {Returns: {retired: true}}")


async def test_a_queue_is_given_up_and_its_work_goes_on(shop: Shop, plans: ApplyPlan, views: Views) -> None:
    case = await a_waiting_conversation(shop)
    await Follower(shop.log, views.projection("conversations")).catch_up()
    before = await shop.log.head()

    await apply(plans, shop, "queues: {Returns: {retired: true, to_queue: Other}, Other: {}}")
    await shop.directory_follower.catch_up()
    shop.clock.wait(2)
    await shop.route()

    (other,) = [
        one for one, known in shop.directory.queues.items() if known.definition == QueueDefinition(name="Other")
    ]
    sends = (OverflowRule(when=Limit.WAITED, limit=1, to_queue_id=other),)
    given_up = [one.event for one in await added(shop, before) if one.stream == shop.queue_id]
    assert given_up == [QueueDefined(definition=QueueDefinition(name="Returns", overflow=sends)), QueueRetired()]
    assert (await shop.conversation(case)).queue_id == other


async def test_history_tells_each_number_and_what_it_changed(shop: Shop, plans: ApplyPlan) -> None:
    first = await apply(plans, shop, BOTH)
    await shop.set_up.define_policy(shop.command("ada"), RoutingPolicy(units={"phone": 4}))
    second = await apply(plans, shop, "queues: {New: {priority: 3}}")
    await shop.directory_follower.catch_up()

    versions = await history(shop.log, list(shop.directory.queues))

    (new,) = [
        one for one, known in shop.directory.queues.items() if known.definition and known.definition.name == "New"
    ]
    assert [(one.number, one.actor, one.rules, one.document_sha256) for one in versions] == [
        (1, "test", ("units",), first.sha256),
        (2, "ada", ("units",), ""),
        (3, "test", (), second.sha256),
    ]
    assert [one.queue_ids for one in versions] == [tuple(sorted([shop.queue_id, new])), (), (new,)]


async def test_routing_is_shown_as_it_stood_and_can_be_brought_back(shop: Shop, plans: ApplyPlan) -> None:
    await apply(plans, shop, BOTH)
    await apply(plans, shop, "policy: {units: {phone: 5}}\nqueues: {Returns: {priority: 5}}")
    await shop.directory_follower.catch_up()

    standing = await standing_at(shop.log, list(shop.directory.queues), 1)
    await apply(plans, shop, as_yaml(document_of(standing.rules, standing.queues)))
    await shop.directory_follower.catch_up()

    assert shop.directory.policy == Policy(rules=standing.rules, number=3, sha256=shop.directory.policy.sha256)
    assert shop.directory.queues == standing.queues
    with pytest.raises(PolicyNumberUnknown, match="there is no number 4; the newest is 3"):
        await standing_at(shop.log, [], 4)
