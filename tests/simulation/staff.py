"""What agents and supervisors do, all at once, allowed or not: the witness reads what came of it."""

from domain.agent import Presence
from domain.conversation import Status
from domain.interaction import NotTheHolder
from tests.application.situations import Shop
from tests.simulation.scene import OPEN, SKILLS, Scene
from tests.simulation.witness import AT_WORK


async def accept(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(Status.OFFERED):
        await process.accept(case)


async def decline(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(Status.OFFERED):
        await process.decline(case)


async def pick(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(Status.WAITING):
        await process.steer.pick(process.command(), *case.ids, scene.some_agent())


async def close(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(*scene.random.choice((OPEN, (Status.ASSIGNED, Status.WRAPPING)))):
        await process.serve.close(process.command(), *case.ids, "done")


async def hold(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(Status.ASSIGNED, Status.WRAPPING, Status.ON_HOLD):
        await process.serve.hold(process.command(), *case.ids, case.agent_id, "")


async def resume(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(Status.ON_HOLD):
        await process.serve.resume(process.command(), *case.ids, case.agent_id)


async def wrap_up(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(Status.ASSIGNED, Status.ON_HOLD):
        await process.serve.wrap_up(process.command(), *case.ids, case.agent_id)


async def reply(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(*AT_WORK):
        try:
            await process.serve.reply(process.command(), *case.ids, case.agent_id, "Hi!")
        except NotTheHolder:
            scene.refusals["NotTheHolder"] += 1


async def transfer(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(*OPEN):
        skills = scene.random.choice((None, None, {scene.random.choice(SKILLS): 2}))
        queue_id = scene.random.choice(scene.queues)
        await process.steer.transfer_to_queue(process.command(), *case.ids, queue_id, "", skills)


async def transfer_to_colleague(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(*OPEN):
        await process.steer.transfer_to_agent(process.command(), *case.ids, scene.some_agent(), "")


async def give(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(*OPEN):
        await process.steer.transfer_to_agent(process.command(), *case.ids, scene.some_agent(), "", "they know why")


async def prioritize(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(*OPEN):
        await process.steer.set_priority(process.command(), *case.ids, scene.random.randint(0, 10))


async def classify(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(*OPEN):
        tier, language = scene.random.choice(("", "vip")), scene.random.choice(("", "zh", "en"))
        await process.steer.classify(process.command(), *case.ids, tier=tier, language=language)


async def prefer(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(*OPEN):
        named = None if scene.chance(0.2) else scene.some_agent()
        await process.steer.prefer_agent(process.command(), *case.ids, named, "", later_too=scene.chance(0.3))


async def adjust_age(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(*OPEN):
        await process.steer.adjust_age(process.command(), *case.ids, scene.random.choice((-30, 0, 30, 600)), "")


async def reopen(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(Status.CLOSED):
        await process.serve.reopen(process.command(), *case.ids)


async def change_presence(scene: Scene, process: Shop) -> None:
    agent_id = scene.some_agent()
    presence = scene.random.choice((*[Presence.AVAILABLE] * 4, Presence.AWAY, Presence.OFFLINE))
    if presence is not Presence.OFFLINE:
        await process.staff.sign_in(process.command(), agent_id)
    await process.turn(agent_id, presence)


async def change_capacity(scene: Scene, process: Shop) -> None:
    await process.staff.set_capacity(process.command(), scene.some_agent(), scene.random.choice((0, 2, 4, 8)))


async def train(scene: Scene, process: Shop) -> None:
    """Anybody but the first agent, so that no day stands still."""
    skills = {skill: scene.random.randint(1, 10) for skill in SKILLS if scene.chance(0.7)}
    await process.staff.assign_skills(process.command(), scene.random.choice(list(scene.witness.agents)[1:]), skills)
