"""Assign work: carries the router's decisions out on the customer's and the agent's stream together."""

from application.commands import Command, Commands, Done
from domain import agent, classification, offers, workload
from domain.agent import Agent, Presence
from domain.customer import Customer
from domain.event import Event
from domain.offers import NotWaiting
from domain.routing.decisions import Expire, Offer, Overflow, Relax, Withdraw


class AssignWork:
    """A decision that is stale by now is refused here, by the same rules that hold for everybody."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def offer(self, command: Command, decision: Offer) -> Done:
        """Raises NotWaiting, NotAvailable, AtCapacity, Contended."""

        def decide(customer: Customer, winner: Agent) -> list[list[Event]]:
            one = customer.conversation(decision.conversation_id)
            if one.queue_id != decision.queue_id:  # another queue asks for other skills
                raise NotWaiting(f"the conversation no longer waits in {decision.queue_id}")
            offered = offers.offer(
                one,
                offer_id=decision.offer_id,
                agent_id=decision.agent_id,
                units=decision.units,
                expires_at=decision.expires_at,
                choice=decision.choice,
            )
            load = workload.take_load(
                winner, conversation_id=one.id, customer_id=decision.customer_id, ask=decision.ask
            )
            return [offered, load]

        return await self._commands.carry_out(command, [decision.customer_id, decision.agent_id], decide)

    async def expire(self, command: Command, decision: Expire) -> Done:
        """The agent who missed it is away from now on, so that nobody waits for them again. Raises OfferGone."""

        def decide(customer: Customer, missing: Agent) -> list[list[Event]]:
            one = customer.conversation(decision.conversation_id)
            expired = offers.expire_offer(one, offer_id=decision.offer_id, at=command.at)
            released = workload.release_load(missing, conversation_id=one.id, reason="expired")
            if missing.is_signed_in:
                released += agent.change_presence(missing, Presence.AWAY, "missed an offer")
            return [expired, released]

        return await self._commands.carry_out(command, [decision.customer_id, decision.agent_id], decide)

    async def withdraw(self, command: Command, decision: Withdraw) -> Done:
        """Nothing where the offer is gone already."""

        def decide(customer: Customer, left: Agent) -> list[list[Event]]:
            one = customer.conversation(decision.conversation_id)
            if one.offer_id != decision.offer_id:
                return [[], []]
            withdrawn = offers.withdraw_offer(one, reason=decision.reason)
            released = workload.release_load(left, conversation_id=one.id, reason="withdrawn") if withdrawn else []
            return [withdrawn, released]

        return await self._commands.carry_out(command, [decision.customer_id, decision.agent_id], decide)

    async def relax(self, command: Command, decision: Relax) -> Done:
        """It asks less of an agent from now on. Raises NotWaiting, Contended."""

        def decide(customer: Customer) -> list[list[Event]]:
            one = customer.conversation(decision.conversation_id)
            return [
                classification.relax(
                    one,
                    queue_id=decision.queue_id,
                    step=decision.step,
                    skills=decision.skills,
                    groups=decision.groups,
                )
            ]

        return await self._commands.carry_out(command, [decision.customer_id], decide)

    async def overflow(self, command: Command, decision: Overflow) -> Done:
        """It waits elsewhere from now on, with its age. Raises NotWaiting, Contended."""

        def decide(customer: Customer) -> list[list[Event]]:
            one = customer.conversation(decision.conversation_id)
            return [classification.overflow(one, decision.rule, queue_id=decision.queue_id, at=command.at)]

        return await self._commands.carry_out(command, [decision.customer_id], decide)
