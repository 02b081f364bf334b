"""A customer's mails as they come in one by one, and where each of them is."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from domain import assignment, customer, offers
from domain.conversation import Conversation
from domain.customer import Customer
from domain.event import Event
from domain.intake import InboundMessage, Intake
from domain.interaction import Content, MessageReceived
from domain.outbound.writing import write_reply
from domain.threads.placing import receive_mail

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCOUNT = "account-mail"


class Mailbox:
    """What one customer writes to one mailbox. Mails are named by letters, as is the conversation that one opens."""

    def __init__(self) -> None:
        self.state: Customer = customer.NEW
        self.events: list[Event] = []
        self.now = NOON

    def take(self, events: Sequence[Event]) -> list[Event]:
        for event in events:
            self.state = customer.evolve(self.state, event)
        self.events += events
        return list(events)

    def receive(
        self, name: str, *answers: str, subject: str = "Hello", at: datetime | None = None, **more: Any
    ) -> MessageReceived:
        """A mail named so, which names those that it answers."""
        message = InboundMessage(
            provider_id=name,
            handle="ana@example.org",
            content=Content(text=f"I am {name}"),
            occurred_at=at or self.now,
            thread=answers[-1] if answers else name,
            subject=subject,
            answers=answers,
            joined_by=more.pop("joined_by", "in_reply_to" if answers else "new"),
            **more,
        )
        events = receive_mail(
            self.state,
            message,
            account_id=ACCOUNT,
            intake=Intake(queue_id="queue-1"),
            message_id=f"message-{name}",
            new_conversation_id=name,
            at=self.now,
        )
        (received,) = (one for one in self.take(events) if isinstance(one, MessageReceived))
        return received

    def answer(self, conversation_id: str) -> None:
        """An agent takes it up and replies."""
        self.take(offers.offer(self[conversation_id], offer_id="o", agent_id="mei", units=1, expires_at=self.now))
        self.take(offers.accept_offer(self[conversation_id], offer_id="o", agent_id="mei"))
        one = self[conversation_id]
        self.take(write_reply(one, message_id=f"message-{one.id}-r", text="Yes.", agent_id="mei"))
        self.take(assignment.transfer(self[conversation_id], to_queue_id="queue-1", to_agent_id=None, reason=""))

    def wait(self, **more: float) -> None:
        self.now += timedelta(**more)

    def __getitem__(self, conversation_id: str) -> Conversation:
        return self.state.conversation(conversation_id)

    @property
    def together(self) -> dict[str, str]:
        """The mails of each conversation."""
        found: dict[str, str] = {}
        for one in self.state.mails.values():
            found[one.conversation_id] = found.get(one.conversation_id, "") + one.provider_id
        return found
