"""Steer conversations: where one waits, who is to have it, how it is labelled."""

from collections.abc import Collection, Mapping
from datetime import datetime

from application.commands import Command, Done
from application.ids import new_id
from application.use_cases.conversation_desk import Decided, Desk, after, as_waiting, let_go
from domain import agent, assignment, classification, conversation, offers, workload
from domain.agent import Agent, NotSignedIn
from domain.classification import Marks
from domain.conversation import Conversation, Status
from domain.event import Event, RuleBroken
from domain.languages import nearest
from domain.routing import pull
from domain.workload import Ask

ANSWERING = "answered the call"
"""Why an agent may have more than they have room for."""


class SkillsUnmatched(RuleBroken):
    """Nobody has this skill at this level: it would wait for ever."""


class SteerConversations:
    """Each method carries out one command on one conversation. Safe to repeat with the same claim."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def enqueue(self, command: Command, customer_id: str, conversation_id: str, queue_id: str | None) -> Done:
        """Puts a conversation that nobody works on, such as a logged call, into a queue.

        Raises AlreadyWaiting, ConversationIsClosed, QueueUnknown, QueueRetiredAlready.
        """
        desk = self._desk
        return await desk.change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (
                desk.enqueue(command, one, desk.open_queue(queue_id or desk.queue_of(one))),
                [],
            ),
        )

    async def transfer_to_queue(
        self,
        command: Command,
        customer_id: str,
        conversation_id: str,
        queue_id: str | None,
        reason: str,
        skills: Mapping[str, int] | None = None,
    ) -> Done:
        """It waits there with its age, or where it last waited if no queue is named; for these skills too, if any.

        Raises ConversationIsClosed, QueueUnknown, QueueRetiredAlready, SkillsUnmatched.
        """
        desk = self._desk

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            _demand_matched(skills or {}, desk.directory.agents.values(), command.at)
            to_queue_id = desk.open_queue(queue_id) if queue_id else one.queue_id or desk.queue_of(one)
            return desk.moved(command, one, to_queue_id, None, reason, skills), let_go(holder, one, "transferred")

        return await desk.change(command, customer_id, conversation_id, decide)

    async def transfer_to_agent(
        self,
        command: Command,
        customer_id: str,
        conversation_id: str,
        to_agent_id: str,
        reason: str,
        override: str = "",
    ) -> Done:
        """Offers it to that agent at once; if they decline, it waits in its queue with its age.

        `override` says why they get it although they may have no room. Nothing where they have it already, held or
        offered. Raises ConversationIsClosed, AgentUnknown, NotAvailable, AtCapacity.
        """
        desk, offer_id = self._desk, new_id("offer")

        def decide(one: Conversation, holder: Agent | None, *others: Agent) -> tuple[list[Event], ...]:
            if not others:
                return [], []
            (receiver,) = others
            agent.demand_registered(receiver)
            queue_id = one.queue_id or desk.queue_of(one)
            events = desk.moved(command, one, queue_id, to_agent_id, reason, one.skills)
            moved = after(one, events)
            ask = desk.ask(moved)
            events += offers.offer(
                moved,
                offer_id=offer_id,
                agent_id=to_agent_id,
                units=ask.units,
                expires_at=desk.offer_ends_at(moved, command.at),
                by="given" if override else "transferred",
            )
            load = workload.take_load(
                receiver, conversation_id=one.id, customer_id=customer_id, ask=ask, override=override
            )
            return events, let_go(holder, one, "transferred"), load

        return await desk.change(command, customer_id, conversation_id, decide, to_agent_id)

    async def pick(self, command: Command, customer_id: str, conversation_id: str, agent_id: str) -> Done:
        """The agent takes what waits, by themselves; of two who do, or of them and the router, one gets it.

        Being away is no hindrance: nothing is offered to who is away, but they may choose. What is offered to them at
        this moment they accept by it; what they have already is not news. Raises NotWaiting, NotSignedIn, NotEligible,
        QueueClosed, AtCapacity.
        """
        desk, offer_id = self._desk, new_id("offer")

        def decide(one: Conversation, _: Agent | None, *pickers: Agent) -> tuple[list[Event], ...]:
            if not pickers:  # it is theirs, or is offered to them
                offered = one.offer_id
                accepted = offers.accept_offer(one, offer_id=offered, agent_id=agent_id) if offered else []
                return accepted, []
            (picker,) = pickers
            agent.demand_registered(picker)
            waiting, ask = as_waiting(one, customer_id), desk.ask(one)
            pull.demand_pickable(desk.facts(), waiting, picker, command.at)
            load = workload.pick_load(picker, conversation_id=one.id, customer_id=customer_id, ask=ask)
            events = offers.offer(
                one, offer_id=offer_id, agent_id=agent_id, units=ask.units, expires_at=command.at, by="picked"
            )
            events += offers.accept_offer(after(one, events), offer_id=offer_id, agent_id=agent_id)
            return events, [], load

        return await desk.change(command, customer_id, conversation_id, decide, agent_id)

    async def answer(self, command: Command, customer_id: str, conversation_id: str, agent_id: str, by: str) -> Done:
        """The agent has it from now on, wherever it waited, because they talk with the customer: no room is no refusal.

        Nothing where another agent has it, or where this one has it already. Raises ConversationIsClosed, NotSignedIn,
        QueueUnknown.
        """
        desk, offer_id = self._desk, new_id("offer")

        def decide(one: Conversation, holder: Agent | None, *others: Agent) -> tuple[list[Event], ...]:
            if not others:
                return _taken_up(one, holder, customer_id, desk.ask(one))
            (answerer,) = others
            if one.holder is not None:
                return [], [], []
            if not answerer.is_signed_in:
                raise NotSignedIn
            events: list[Event] = []
            if one.status is Status.OFFERED:
                events = desk.moved(command, one, one.queue_id or desk.queue_of(one), agent_id, ANSWERING, one.skills)
            elif one.status is not Status.WAITING:
                events = desk.enqueue(command, one, desk.queue_of(one))
            waiting = after(one, events)
            ask = desk.ask(waiting)
            load = workload.resume_load(
                answerer, conversation_id=one.id, customer_id=customer_id, ask=ask, override=ANSWERING
            )
            events += offers.offer(
                waiting, offer_id=offer_id, agent_id=agent_id, units=ask.units, expires_at=command.at, by=by
            )
            events += offers.accept_offer(after(one, events), offer_id=offer_id, agent_id=agent_id)
            return events, let_go(holder, one, "transferred"), load

        return await desk.change(command, customer_id, conversation_id, decide, agent_id)

    async def return_to_queue(self, command: Command, customer_id: str, conversation_id: str, reason: str) -> Done:
        """Back to the queue it came from, with its age and what it asked for. Raises ConversationIsClosed."""

        def decide(one: Conversation, holder: Agent | None) -> Decided:
            queue_id = one.queue_id or self._desk.queue_of(one)
            events = self._desk.moved(command, one, queue_id, None, reason, one.skills)
            return events, let_go(holder, one, "transferred")

        return await self._desk.change(command, customer_id, conversation_id, decide)

    async def tag(self, command: Command, customer_id: str, conversation_id: str, tag: str) -> Done:
        """Raises TooManyTags."""
        return await self._desk.change(
            command, customer_id, conversation_id, lambda one, _: (conversation.tag(one, tag), [])
        )

    async def untag(self, command: Command, customer_id: str, conversation_id: str, tag: str) -> Done:
        """Undoes `tag`."""
        return await self._desk.change(
            command, customer_id, conversation_id, lambda one, _: (conversation.untag(one, tag), [])
        )

    async def set_priority(self, command: Command, customer_id: str, conversation_id: str, priority: int) -> Done:
        """Raises PriorityOutOfRange, ConversationIsClosed."""
        return await self._desk.change(
            command, customer_id, conversation_id, lambda one, _: (conversation.set_priority(one, priority), [])
        )

    async def classify(
        self,
        command: Command,
        customer_id: str,
        conversation_id: str,
        *,
        tier: str | None = None,
        language: str | None = None,
        sentiment: str | None = None,
    ) -> Done:
        """What is None stays as it was, what is empty is taken back. Raises ConversationIsClosed."""

        def decide(one: Conversation, _: Agent | None) -> Decided:
            marks = Marks(
                tier=one.tier if tier is None else tier,
                language=one.language if language is None else language,
                sentiment=one.sentiment if sentiment is None else sentiment,
            )
            return classification.classify(one, marks), []

        return await self._desk.change(command, customer_id, conversation_id, decide)

    async def hear_language(self, command: Command, customer_id: str, account_id: str, language: str) -> None:
        """The customer's channel tells their language in between messages: it counts as one that comes with them.

        For the newest conversation on the account, unless somebody has classified it. Raises Contended, LogBusy,
        LogUnreachable.
        """
        desk = self._desk
        if (known := desk.directory.languages) is not None:
            language = nearest(language, known)
        one = await desk.newest(customer_id, account_id)
        if one is None or not classification.tell_language(one, language):
            return
        await desk.change(
            command, customer_id, one.id, lambda one, _: (classification.tell_language(one, language), [])
        )

    async def adjust_age(
        self, command: Command, customer_id: str, conversation_id: str, seconds: int, reason: str
    ) -> Done:
        """It counts as so much older, or younger, in all. Raises ConversationIsClosed, AgeAdjustmentOutOfRange."""
        return await self._desk.change(
            command,
            customer_id,
            conversation_id,
            lambda one, _: (classification.adjust_age(one, seconds, reason=reason), []),
        )

    async def prefer_agent(
        self,
        command: Command,
        customer_id: str,
        conversation_id: str,
        agent_id: str | None,
        reason: str,
        *,
        later_too: bool = False,
    ) -> Done:
        """It waits for this agent for a while, as the policy says; None takes back whoever was named.

        `later_too`: the customer's later conversations as well. Raises ConversationIsClosed, AgentUnknown.
        """

        def decide(one: Conversation, _: Agent | None, *named: Agent) -> tuple[list[Event], ...]:
            for somebody in named:
                agent.demand_registered(somebody)
            events = classification.prefer(one, agent_id, later_too=later_too, reason=reason)
            return events, [], *([] for _ in named)

        named = [agent_id] if agent_id else []
        return await self._desk.change(command, customer_id, conversation_id, decide, *named)


def _taken_up(one: Conversation, holder: Agent | None, customer_id: str, ask: Ask) -> tuple[list[Event], list[Event]]:
    """By the agent who has it, or is offered it: accepted, or no longer on hold."""
    assert holder is not None  # it is with them
    if one.status is Status.OFFERED and one.offer_id:
        return offers.accept_offer(one, offer_id=one.offer_id, agent_id=one.agent_id or ""), []
    if one.status is not Status.ON_HOLD:
        return [], []
    load = workload.resume_load(holder, conversation_id=one.id, customer_id=customer_id, ask=ask, override=ANSWERING)
    return assignment.resume(one, agent_id=one.agent_id or ""), load


def _demand_matched(skills: Mapping[str, int], agents: Collection[Agent], at: datetime) -> None:
    """Each by itself: of several at once, the timetable of the queue may give some up. Raises SkillsUnmatched."""
    for skill, level in skills.items():
        highest = max((one.skills_at(at).get(skill, 0) for one in agents), default=0)
        if highest < level:
            known = f"; the highest is {highest}" if highest else ""
            raise SkillsUnmatched(f"skills: nobody has {skill!r} at level {level}{known}")
