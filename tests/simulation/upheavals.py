"""What befalls the whole shop: other rules, a clock that is set, a router that dies, loses its place or comes late."""

import asyncio
from contextlib import suppress

import msgspec

from application.commands import Command
from application.use_cases.assign_work import AssignWork
from domain.conversation import Status
from domain.hours import WEEKDAYS
from domain.policy import ChoiceRule, RoutingPolicy
from domain.queue import QueueDefinition
from domain.routing.decide import decide
from domain.routing.decisions import Offer
from tests.application.broken_streams import mend, spoil
from tests.application.situations import Shop
from tests.simulation import customers, staff
from tests.simulation.scene import SKILLS, Scene

SOMETHING_TO_DECIDE = (customers.write, staff.close, staff.change_presence, staff.change_presence, staff.close)
MEANWHILE = (staff.classify, staff.transfer, staff.accept, staff.pick, staff.change_presence, staff.close)


async def crash(scene: Scene, process: Shop) -> None:
    """A router dies while it decides and appends: what was on its way reaches the log, or does not."""
    others = [scene.tried(action(scene, scene.anywhere)) for action in scene.random.sample(MEANWHILE, 2)]
    await asyncio.gather(_cut_off(scene, process), *others)
    await scene.begin_anew(process)


async def _cut_off(scene: Scene, process: Shop) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(scene.random.random() * 0.02):
            await process.router.settle()


async def come_late(scene: Scene, process: Shop) -> None:
    """A router decides; other things happen before it says so; what is no longer true is refused."""
    for action in SOMETHING_TO_DECIDE:
        await scene.tried(action(scene, process))
    await process.router.follower.catch_up()
    state, now = process.router.state, scene.clock()
    decisions = decide(state, now)
    state.put_back()
    command = Command(actor="router", at=now, cause=state.facts.position or None)
    for decision in decisions:
        if scene.chance(0.7):
            await scene.tried(_change_what_it_asks(scene, decision.customer_id, decision.conversation_id))
        elif isinstance(decision, Offer) and decision.agent_id != next(iter(scene.witness.agents)):
            await scene.tried(scene.anywhere.staff.assign_skills(scene.anywhere.command(), decision.agent_id, {}))
    for action in scene.random.sample((*MEANWHILE, staff.train, redefine_a_queue, adopt_a_policy), 3):
        await scene.tried(action(scene, scene.anywhere))
    for decision in decisions:
        await scene.tried(AssignWork(process.commands).carry_out(command, decision))


async def lose_sight(scene: Scene, process: Shop) -> None:
    """A customer who waits cannot be read while the router decides; then they can, and a router begins to lead."""
    every = scene.witness.conversations(*Status)
    busy = {whose for whose, one in every if one.status not in (Status.WAITING, Status.CLOSED)}
    if not (found := sorted({whose for whose, one in every if one.status is Status.WAITING} - busy)):
        return
    customer_id, router = scene.random.choice(found), scene.processes[0].router
    spoil(process, customer_id)
    scene.forget(customer_id)
    for action in (*SOMETHING_TO_DECIDE, scene.random.choice(MEANWHILE)):
        await scene.tried(action(scene, scene.anywhere))
    await router.settle()
    mend(process, customer_id)
    scene.forget(customer_id)
    leading = asyncio.create_task(router.lead())
    await asyncio.sleep(0)
    await router.settle()
    leading.cancel()
    await router.settle()


async def _change_what_it_asks(scene: Scene, customer_id: str, conversation_id: str) -> None:
    """Somebody has learnt the language, or sends it elsewhere."""
    steer, command, ids = scene.anywhere.steer, scene.anywhere.command(), (customer_id, conversation_id)
    if scene.chance(0.5):
        await steer.classify(command, *ids, language=scene.random.choice(("zh", "en", "fr")))
    else:
        skills = scene.random.choice((None, {"returns": 1}))
        await steer.transfer_to_queue(command, *ids, scene.random.choice(scene.queues), "", skills)


async def lose_the_lead(scene: Scene, _: Shop) -> None:
    """Another leads from now on, and for a while the first believes that it still does."""
    scene.processes.reverse()
    scene.rounds_of_two_leaders = scene.random.randint(0, 5)


async def set_the_clock(scene: Scene, _: Shop) -> None:
    """Back, or forth."""
    scene.clock.wait(scene.random.choice((-30, -5, -1, 20)))


async def redefine_a_queue(scene: Scene, process: Shop) -> None:
    """With a timetable, overflow, closing time or none of it."""
    choose, chance = scene.random.choice, scene.chance
    required = {skill: scene.random.randint(1, 5) for skill in SKILLS if chance(0.5)}
    lower = {skill: 1 for skill in required if chance(0.5)}
    timetable = [{"after_seconds": 5, "lower": lower}, {"after_seconds": 12, "drop": ["lang:zh"]}]
    limits = [
        {"when": "waited", "limit": 20, "to_queue_id": choose(scene.queues), "promise": "callback"},
        {"when": "length", "limit": 3, "to_queue_id": choose(scene.queues)},
        {"when": "closed", "to_queue_id": choose(scene.queues)},
    ]
    hours = {"time_zone": "UTC", "weekly": {day: [["00:00", choose(("12:01", "12:02"))]] for day in WEEKDAYS}}
    definition = {
        "name": "redefined",
        "required_skills": required,
        "offer_timeout_seconds": choose((None, 5, 60)),
        "units": choose(({}, {"webchat": 1})),
        "choice": choose((None, *ChoiceRule)),
        "relaxation": timetable if chance(0.5) else [],
        "overflow": [limit for limit in limits if chance(0.3)],
        "opening_hours": hours if chance(0.2) else None,
    }
    queue_id = choose(scene.queues)
    await process.set_up.define_queue(process.command(), queue_id, msgspec.convert(definition, QueueDefinition))
    await scene.learn_rules()


async def adopt_a_policy(scene: Scene, process: Shop) -> None:
    choose = scene.random.choice
    rules = RoutingPolicy(
        at_most=choose(({}, {"email": 2})),
        yields={"mail": ("chat",)} if scene.chance(0.5) else {},
        priority_boost_seconds=choose((0, 30, 300)),
        tiers={"vip": 120},
        language_prefix=choose(("", "lang:", "lang:")),
        known_agent_seconds=choose((0, 10)),
        preferred_agent_seconds=choose((0, 10)),
        choice=choose(tuple(ChoiceRule)),
        decline_rest_seconds=choose((0, 20, 60)),
    )
    await process.set_up.define_policy(process.command(), rules)
    await scene.learn_rules()
