"""A town that lives by chance: customers write, agents work, decided by the real domain and stored in the real log."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from application.log import Appended, Context, Fact, Log, Write
from application.states import fold
from domain import agent, assignment, conversation, customer, intake, offers, workload
from domain.agent import Presence
from domain.calls.intake import Call, take_call
from domain.calls.stages import Direction, Stage
from domain.conversation import Conversation, Status
from domain.event import Event, RuleBroken
from domain.intake import Echo, InboundMessage, Intake
from domain.interaction import Content, ContentKind
from domain.outbound import receipts, writing
from domain.outbound.delivery import DeliveryAccepted, DeliveryAttempted, DeliveryStatus, DeliveryUnknown
from domain.outbound.echoes import receive_echo
from domain.threads import moving
from domain.workload import Ask

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
MASTER_KEY = b"the master key of the tests, 32."
QUEUES = ("queue-" + "a" * 32, "queue-" + "b" * 32)
ACCOUNTS = {"webchat": "account-" + "1" * 32, "email": "account-" + "2" * 32}
Events = Sequence[Event]


class Town:
    """Each action is one append; `log` must be set first. The same seed makes the same town."""

    log: Log

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = NOON
        self.states: dict[str, tuple[Any, int]] = {}
        self._number = 0
        self.said: dict[str, list[str]] = {}
        """What the channels call the messages of and to each customer, oldest first."""
        self._awaited: dict[str, str] = {}  # of a message that was amended before it came

    def clock(self) -> datetime:
        """A time that goes on a little with each look."""
        self.now += timedelta(milliseconds=250)
        return self.now

    async def live(self, actions: int) -> int:
        """That many actions; the log's position afterwards."""
        position = 0
        for _ in range(actions):
            writes: list[tuple[str, Events]] = []
            while not writes:
                try:
                    writes = [(stream, events) for stream, events in self._act() if events]
                except RuleBroken:
                    writes = []
            position = await self.append(*writes)
        return position

    async def append(self, *writes: tuple[str, Events]) -> int:
        """Stores what was decided on the streams; the position of the last event."""
        at = self.clock()
        facts = {stream: [Fact(event, self._occurred_at(at)) for event in events] for stream, events in writes}
        outcome = await self.log.append(
            [Write(stream, self.states.get(stream, (None, 0))[1], facts[stream]) for stream, _ in writes],
            context=Context(actor="test"),
        )
        assert isinstance(outcome, Appended), outcome
        for stream, events in writes:
            state, version = self.states.get(stream, (_new(stream), 0))
            self.states[stream] = fold(stream, state, events), version + len(events)
        return outcome.head

    async def message(self, who: str = "", text: str = "Hello?", channel: str = "email") -> str:
        """A message of the customer, a new one if none is named; the customer's id."""
        who = who or self.new("customer")
        await self.append((who, self._message(who, text, channel)))
        return who

    def new(self, kind: str) -> str:
        """An id nobody had before, the same for the same seed."""
        self._number += 1
        return f"{kind}-{self._number:032x}"

    def streams(self, kind: str) -> list[str]:
        return [stream for stream in self.states if stream.startswith(kind)]

    def conversations(self, *statuses: Status) -> list[tuple[str, Conversation]]:
        """Customer and conversation of those that stand like this."""
        return [
            (who, one)
            for who in self.streams("customer")
            for one in self.states[who][0].conversations.values()
            if one.status in statuses
        ]

    def _occurred_at(self, at: datetime) -> datetime:
        return at - timedelta(seconds=self.random.choice((0, 0, 0, 1, 600)))

    def _message(self, who: str, text: str, channel: str, content: Content | None = None) -> Events:
        about = self._awaited.pop(who, "") if content is None and self.random.random() < 0.5 else ""
        number = about or self.new("m")
        if content is None:
            self.said.setdefault(who, []).append(number)
        message = InboundMessage(
            provider_id=number,
            handle=f"{who}@example.com",
            content=content or Content(text=text),
            occurred_at=self.now,
            author="Li",
        )
        into = Intake(queue_id=self.random.choice(QUEUES))
        return intake.receive_message(
            self.states.get(who, (customer.NEW, 0))[0],
            message,
            channel=channel,
            account_id=ACCOUNTS[channel],
            scope="",
            intake=into,
            message_id=self.new("message"),
            new_conversation_id=self.new("conversation"),
            at=self.now,
        )

    def _act(self) -> Sequence[tuple[str, Events]]:
        actions: list[tuple[int, Callable[[], Sequence[tuple[str, Events]]]]] = [
            (6, self._write_in),
            (1, self._call),
            (5, self._offer),
            (6, self._answer_offer),
            (8, self._work),
            (2, self._staff),
            (4, self._amend),
            (4, self._fare),
            (2, self._echo),
            (1, self._move),
        ]
        return self.random.choices([act for _, act in actions], [weight for weight, _ in actions])[0]()

    def _write_in(self) -> Sequence[tuple[str, Events]]:
        known = self.streams("customer")
        who = self.random.choice(known) if known and self.random.random() < 0.7 else self.new("customer")
        return [(who, self._message(who, f"text {self._number} 你好", self.random.choice(list(ACCOUNTS))))]

    def _amend(self) -> Sequence[tuple[str, Events]]:
        """Somebody edits, takes back or reacts to a message; at times to one that comes later, or never."""
        who = self.random.choice(self.streams("customer") or [self.new("customer")])
        if self.random.random() < 0.2:
            self._awaited[who] = about = self.new("m")
        else:
            about = self.random.choice(self.said.get(who) or [self.new("m")])
        kind = self.random.choice((ContentKind.EDIT, ContentKind.UNSEND, ContentKind.REACTION, ContentKind.REACTION))
        text = {ContentKind.EDIT: f"rather {self._number}", ContentKind.UNSEND: ""}.get(kind)
        content = Content(kind=kind, about=about, text=self.random.choice(("", "👍")) if text is None else text)
        return [(who, self._message(who, "", self.random.choice(list(ACCOUNTS)), content))]

    def _fare(self) -> Sequence[tuple[str, Events]]:
        """The sender or the channel tells something about a reply."""
        sent = [(who, one) for who in self.streams("customer") for one in self.states[who][0].outbound.values()]
        if not sent:
            return []
        who, one = self.random.choice(sent)
        of = {"conversation_id": one.conversation_id, "message_id": one.message_id}
        status = self.random.choice(list(DeliveryStatus))
        match self.random.randrange(5):
            case 0:
                return [(who, [DeliveryAttempted(**of, attempt=1)])]
            case 1:
                return [(who, [DeliveryUnknown(**of, reason="no answer")])]
            case 2:
                known = [*self.said.get(who, []), self.new("m")]
                return [(who, [DeliveryAccepted(**of, provider_id=self.random.choice(known[-3:]))])]
            case _:
                return [(who, receipts.report({one.message_id: one}, message_id=one.message_id, status=status))]

    def _echo(self) -> Sequence[tuple[str, Events]]:
        who, channel = self.random.choice(self.streams("customer") or [self.new("customer")]), "email"
        echo = Echo(
            provider_id=self.new("m"),
            handle=f"{who}@example.com",
            content=Content(text="from elsewhere"),
            occurred_at=self.now,
        )
        self.said.setdefault(who, []).append(echo.provider_id)
        state = self.states.get(who, (customer.NEW, 0))[0]
        events = receive_echo(
            state, echo, channel=channel, account_id=ACCOUNTS[channel], scope="", message_id=self.new("message"),
            new_conversation_id=self.new("conversation"), at=self.now,
        )  # fmt: skip
        return [(who, events)]

    def _move(self) -> Sequence[tuple[str, Events]]:
        """A person takes a mail out of its conversation, or puts it into another."""
        who = self.random.choice(self.streams("customer") or [self.new("customer")])
        state, into = self.states.get(who, (customer.NEW, 0))[0], Intake(queue_id=self.random.choice(QUEUES))
        known = [one for one in state.mails.values() if one.conversation_id in state.conversations]
        if not known:
            return []
        mail = self.random.choice(known)
        others = [one.id for one in state.conversations.values() if one.channel == "email"]
        if self.random.random() < 0.5:
            to = self.random.choice(others)
            return [(who, moving.join(state, mail, to, moving.Wording(preview="back"), intake=into, at=self.now))]
        new = self.new("conversation")
        says = moving.Wording(subject="apart", preview="alone")
        return [(who, moving.set_apart(state, mail, says, intake=into, new_conversation_id=new, at=self.now))]

    def _call(self) -> Sequence[tuple[str, Events]]:
        who = self.random.choice(self.streams("customer") or [self.new("customer")])
        state = self.states.get(who, (customer.NEW, 0))[0]
        known = [key.partition(" ")[2] for key in state.calls]
        call = Call(
            call_id=self.random.choice([*known, self.new("call")]), direction=Direction.INBOUND,
            handle="+31201234567", outcome=self.random.choice(["answered", "missed"]), occurred_at=self.now,
            stage=self.random.choice([Stage.RINGING, *Stage]), answered_by=self.random.choice(["", "Ana"]),
            agent_ids=tuple(self.random.sample(["agent-1", "agent-2"], self.random.randrange(3))), note="called",
        )  # fmt: skip
        new, into, line = self.new("conversation"), Intake(queue_id=self.random.choice(QUEUES)), "account-phone"
        told = take_call(state, call, account_id=line, intake=into, new_conversation_id=new, at=self.now)
        return [(who, told)]

    def _offer(self) -> Sequence[tuple[str, Events]]:
        waiting, agents = self.conversations(Status.WAITING), self.streams("agent")
        if not waiting or not agents:
            return self._staff()
        (who, one), to = self.random.choice(waiting), self.random.choice(agents)
        ask = Ask(channel=one.channel, units=1)
        load = workload.take_load(self.states[to][0], conversation_id=one.id, customer_id=who, ask=ask)
        expires_at = self.now + timedelta(seconds=30)
        offered = offers.offer(one, offer_id=self.new("offer"), agent_id=to, units=1, expires_at=expires_at)
        return [(who, offered), (to, load)]

    def _answer_offer(self) -> Sequence[tuple[str, Events]]:
        offered = self.conversations(Status.OFFERED)
        if not offered:
            return []
        who, one = self.random.choice(offered)
        assert one.offer_id is not None
        assert one.agent_id is not None
        offer_id, to = one.offer_id, one.agent_id
        if self.random.random() < 0.7:
            return [(who, offers.accept_offer(one, offer_id=offer_id, agent_id=to))]
        declined = offers.decline_offer(one, offer_id=offer_id, agent_id=to, reason="lunch")
        return [
            (who, declined),
            (to, workload.release_load(self.states[to][0], conversation_id=one.id, reason="declined")),
        ]

    def _work(self) -> Sequence[tuple[str, Events]]:
        """Something that the agent who has a conversation does with it."""
        held = self.conversations(Status.ASSIGNED, Status.ON_HOLD, Status.WRAPPING)
        if not held:
            return []
        who, one = self.random.choice(held)
        assert one.agent_id is not None
        by = one.agent_id
        released = workload.release_load(self.states[by][0], conversation_id=one.id, reason="closed")
        match self.random.randrange(8):
            case 0:
                until = self.now + timedelta(days=1)
                return [(who, conversation.close(one, disposition="done", reopenable_until=until)), (by, released)]
            case 1:
                to = self.random.choice(QUEUES)
                moved = assignment.transfer(one, to_queue_id=to)
                now = assignment.evolve(one, moved[0])  # type: ignore[arg-type]  # transfer gives one such event
                return [
                    (who, [*moved, *assignment.enqueue(now, queue_id=to, at=self.now, due_at=None)]),
                    (by, released),
                ]
            case 2:
                return [(who, assignment.start_wrap_up(one, agent_id=by))]
            case 3:
                return [(who, conversation.tag(one, self.random.choice(("vip", "refund", "spam", "lang:zh"))))]
            case 4:
                return [(who, conversation.set_priority(one, self.random.randrange(5)))]
            case 5:
                return [(who, writing.write_note(one, note_id=self.new("note"), text="a note"))]
            case _:
                message_id, text = self.new("message"), f"reply {self._number}"
                return [(who, writing.write_reply(one, message_id=message_id, text=text, agent_id=by))]

    def _staff(self) -> Sequence[tuple[str, Events]]:
        agents = self.streams("agent")
        if len(agents) < 4:
            hired = self.new("agent")
            events = agent.register(agent.NEW, name=f"Agent {len(agents)}", skills={"zh": 3}, capacity=5)
            state = fold(hired, agent.NEW, events)
            events += agent.sign_in(state)
            state = fold(hired, state, events[-1:])
            return [(hired, [*events, *agent.change_presence(state, Presence.AVAILABLE)])]
        one = self.random.choice(agents)
        presence = self.random.choice((Presence.AWAY, Presence.AVAILABLE, Presence.AVAILABLE))
        return [(one, agent.change_presence(self.states[one][0], presence))]


def _new(stream: str) -> Any:
    return agent.NEW if stream.startswith("agent") else customer.NEW
