"""What is not allowed, tried while nothing else goes on, so that the refusal is certain; and what must not be refused.

What an agent may have is told by the audit's floor, which knows the rules a second time.
"""

from msgspec.structs import replace

from application.commands import RevisionStale
from application.proofs.room import crowded_by
from application.use_cases.assign_work import AssignWork
from domain.agent import NotAvailable, NotSignedIn, Presence
from domain.conversation import Status
from domain.interaction import NotTheHolder
from domain.offers import OfferGone, OfferNotYours, OfferStillStands, ReasonMissing
from domain.routing.decisions import Expire
from domain.routing.pull import NotEligible, QueueClosed
from domain.workload import AtCapacity
from tests.application.situations import Case, Shop
from tests.simulation.scene import OPEN, Scene


def _as_another(scene: Scene, case: Case) -> Case:
    others = [agent_id for agent_id in scene.witness.agents if agent_id != case.agent_id]
    return replace(case, agent_id=scene.random.choice(others))


async def take_what_is_offered_to_another(scene: Scene, process: Shop) -> None:
    if case := scene.some_case(Status.OFFERED):
        answer = scene.random.choice((process.accept, process.decline))
        await scene.refused(answer(_as_another(scene, case)), OfferNotYours)


async def answer_twice(scene: Scene, process: Shop) -> None:
    """With the same key it is the same answer; without one it is too late."""
    if case := scene.some_case(Status.OFFERED):
        await scene.refused(process.decline(case, " "), ReasonMissing)
        if scene.chance(0.5):
            await process.decline(case)
            await scene.refused(scene.anywhere.decline(case), OfferGone)
        else:
            command = process.command(case.agent_id, key=case.offer_id)
            first = await process.serve.accept_offer(command, *case.ids, case.offer_id, case.agent_id)
            again = await scene.anywhere.serve.accept_offer(command, *case.ids, case.offer_id, case.agent_id)
            assert (again.position, again.is_repeat) == (first.position, True)
        await scene.refused(scene.anywhere.accept(case), OfferGone)


async def end_an_offer(scene: Scene, process: Shop) -> None:
    """Before its time is over it stands."""
    if case := scene.some_case(Status.OFFERED):
        one = scene.witness.customers[case.customer_id].conversation(case.conversation_id)
        ids = {"conversation_id": case.conversation_id, "customer_id": case.customer_id}
        expire = Expire(**ids, offer_id=case.offer_id, agent_id=case.agent_id)
        ending = AssignWork(process.commands).carry_out(process.command("router"), expire)
        if one.offer_expires_at is not None and scene.clock() < one.offer_expires_at:
            await scene.refused(ending, OfferStillStands)
        else:
            await ending


async def pick(scene: Scene, process: Shop) -> None:
    """It is refused to whoever may not have it, and to nobody else."""
    if case := scene.some_case(Status.WAITING):
        floor, agent_id = scene.witness.floor, scene.some_agent()
        picker, item = floor.agents[agent_id], floor.items[case.conversation_id]
        may = floor.may_take_such(replace(picker, presence=Presence.AVAILABLE), item.case, scene.clock())
        picking = process.steer.pick(process.command(agent_id), *case.ids, agent_id)
        if may and picker.is_signed_in:
            await picking
        else:
            await scene.refused(picking, NotEligible, QueueClosed, AtCapacity, NotSignedIn)


async def transfer_to_colleague(scene: Scene, process: Shop) -> None:
    """It is refused where they take no work or have no room, and nowhere else."""
    if case := scene.some_case(Status.WAITING):
        floor, agent_id = scene.witness.floor, scene.some_agent()
        somebody, ask = floor.agents[agent_id], floor.ask(floor.items[case.conversation_id])
        crowded = crowded_by(somebody, floor.policy.rules, channel=ask.channel, kind=ask.kind, units=ask.units)
        override = scene.random.choice(("", "they know why"))
        giving = process.steer.transfer_to_agent(process.command(), *case.ids, agent_id, "", override)
        if somebody.presence is not Presence.AVAILABLE:
            await scene.refused(giving, NotAvailable)
        elif crowded and not override:
            await scene.refused(giving, AtCapacity)
        else:
            await giving


async def meddle(scene: Scene, process: Shop) -> None:
    """With the work of another."""
    if case := scene.some_case(Status.ASSIGNED, Status.ON_HOLD):
        another = _as_another(scene, case).agent_id
        command, serve = process.command(another), process.serve
        meddling = [
            lambda: serve.hold(command, *case.ids, another, ""),
            lambda: serve.resume(command, *case.ids, another),
            lambda: serve.wrap_up(command, *case.ids, another),
        ]
        await scene.refused(scene.random.choice(meddling)(), NotTheHolder)


async def change_what_has_changed(scene: Scene, process: Shop) -> None:
    """With the revision of an earlier look."""
    if case := scene.some_case(*OPEN):
        revision = scene.witness.customers[case.customer_id].conversation(case.conversation_id).revision
        stale = process.command(expected_revision=revision - 1)
        await scene.refused(process.steer.set_priority(stale, *case.ids, scene.random.randint(0, 10)), RevisionStale)
