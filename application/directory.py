"""The directory: accounts, queues, policy, people and agents as they stand now, held in memory by every process."""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import timedelta

from application.log import Log
from domain import account, agent, person, policy, queue
from domain.account import Account, AccountDefinition, AccountPaused, AccountUnknown
from domain.agent import Agent
from domain.event import Recorded, kind_of
from domain.intake import Intake
from domain.person import Person
from domain.policy import Policy
from domain.queue import Queue, QueueDefinition

POLICY = "policy-" + "0" * 32
"""The stream of the one routing policy."""
SET_UP = frozenset({"queue.defined", "queue.retired", "policy.defined", "account.defined", "account.resumed"})
"""What is judged beside all the rest of it, so that it goes one after the other: `application/plans/in_turn.py`."""


class Directory:
    """A reaction that keeps the few things that every request needs, so that none has to ask the database.

    A few thousand entries at most; they are never dropped. Of agents it knows what they can and may do, not what
    they do at the moment: that changes all the time.
    """

    name = "directory"
    topics = (
        "account.defined",
        "account.paused",
        "account.resumed",
        "account.throttled",
        "account.noticed",
        "queue.defined",
        "queue.retired",
        "queue.work_set_aside",
        "queue.work_put_back",
        "policy.defined",
        "person.admitted",
        "person.password_replaced",
        "person.role_given",
        "person.barred",
        "person.readmitted",
        "person.key_issued",
        "agent.registered",
        "agent.skills_assigned",
        "agent.eligibility_set",
        "agent.capacity_set",
    )

    def __init__(self, log: Log) -> None:
        self._log = log
        self.accounts: dict[str, Account] = {}
        self.queues: dict[str, Queue] = {}
        self.people: dict[str, Person] = {}
        self.agents: dict[str, Agent] = {}
        self.policy: Policy = policy.NEW
        self._set_up_at: list[int] = []
        self._intakes: dict[str, Intake] = {}
        self._languages: tuple[str, ...] | None = None
        """Worked out when they are asked for."""
        self._by_login: dict[str, str] = {}
        self._by_key_hash: dict[str, str] = {}
        self._position = 0
        self.on_person_changed: list[Callable[[str], None]] = []
        """Called with the person's id, so that open sockets follow at once."""

    async def start(self) -> int:
        return self._position

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        for recorded in batch:
            self._evolve(recorded)
        self._position = upto
        await asyncio.sleep(0)  # a long catch-up lets others run between its batches

    def _evolve(self, recorded: Recorded) -> None:
        stream, event = recorded.stream, recorded.event
        if recorded.topic in SET_UP:
            self._set_up_at.append(recorded.position)
        match kind_of(stream):
            case "account":
                self.accounts[stream] = account.evolve(self.accounts.get(stream, Account(id=stream)), event)
            case "queue":
                self._evolve_queue(stream, queue.evolve(self.queues.get(stream, queue.NEW), event))
            case "policy":
                self.policy, self._languages = policy.evolve(self.policy, event), None
            case "agent":
                self.agents[stream], self._languages = agent.evolve(self.agents.get(stream, agent.NEW), event), None
            case "person":
                self._evolve_person(stream, person.evolve(self.people.get(stream, Person(id=stream)), event))

    def _evolve_queue(self, stream: str, now: Queue) -> None:
        self.queues[stream] = now
        if now.definition is not None:
            self._intakes[stream] = _intake(stream, now.definition)

    def _evolve_person(self, stream: str, someone: Person) -> None:
        self.people[stream] = someone
        if someone.login:
            self._by_login[someone.login] = stream
        if someone.key_hash:
            self._by_key_hash[someone.key_hash] = stream
        for listener in self.on_person_changed:
            listener(stream)

    def set_up_at(self, upto: int) -> int:
        """Where, up to the position, a queue, the policy or an account was set up last."""
        return self._set_up_at[at - 1] if (at := bisect_right(self._set_up_at, upto)) else 0

    def account(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    def working_account(self, account_id: str) -> tuple[Account, AccountDefinition]:
        """An account that takes things in now. Raises AccountUnknown, AccountPaused."""
        account, definition = self.defined_account(account_id)
        if account.is_paused:
            raise AccountPaused
        return account, definition

    def defined_account(self, account_id: str) -> tuple[Account, AccountDefinition]:
        """An account as it was set up. Raises AccountUnknown."""
        account = self.accounts.get(account_id)
        if account is None or account.definition is None:
            raise AccountUnknown(f"there is no channel account {account_id}")
        return account, account.definition

    def account_at(self, channel: str, address: str) -> Account | None:
        """The account that the provider calls by this address."""
        for candidate in self.accounts.values():
            definition = candidate.definition
            if definition is not None and definition.channel == channel and definition.address == address:
                return candidate
        return None

    def person(self, person_id: str) -> Person | None:
        """Anybody who may use the system now; None for the barred."""
        someone = self.people.get(person_id)
        return None if someone is None or someone.is_barred else someone

    def by_login(self, login: str) -> Person | None:
        return self.person(self._by_login.get(login, ""))

    def by_key_hash(self, key_hash: str) -> Person | None:
        return self.person(self._by_key_hash.get(key_hash, ""))

    @property
    def languages(self) -> tuple[str, ...] | None:
        """Those that some agent speaks: what a channel tells of others asks for nobody, since it would wait for ever.

        None where the policy asks for no skill because of a language.
        """
        if not (prefix := self.policy.rules.language_prefix):
            return None
        if self._languages is None:
            skills = {skill for one in self.agents.values() for skill in one.skills}
            self._languages = tuple(sorted(one.removeprefix(prefix) for one in skills if one.startswith(prefix)))
        return self._languages

    def intake(self, queue_id: str) -> Intake:
        """How new work enters the queue. Work for a queue that is gone is taken all the same: nothing gets lost."""
        return self._intakes.get(queue_id) or Intake(queue_id=queue_id)


def _intake(queue_id: str, definition: QueueDefinition) -> Intake:
    service_level = timedelta(seconds=definition.service_level_seconds)
    next_reply = definition.next_reply_seconds and timedelta(seconds=definition.next_reply_seconds)
    return Intake(
        queue_id=queue_id, priority=definition.priority, service_level=service_level, next_reply=next_reply or None
    )
