"""Set up: queues, the routing policy, channel accounts, and who may use the system."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence

from application.commands import Command, Commands, Done
from application.directory import POLICY
from application.ids import derived_id, new_id
from application.log import Claim
from application.plans.plan import rules_digest
from domain import account, agent, person, policy, queue
from domain.account import Account, AccountDefinition
from domain.agent import Agent
from domain.event import Event, RuleBroken
from domain.person import Role
from domain.policy import RoutingPolicy
from domain.queue import QueueDefinition

Turn = Sequence[Claim]


def key_hash(key: str) -> str:
    """What is kept of a program's key: hex SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()


class SetUp:
    """Each method carries out one command. Safe to repeat with the same claim.

    `turn`: the claim of what is set up next, made by whoever judges it (`application/plans/in_turn.py`).
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def define_queue(
        self,
        command: Command,
        queue_id: str | None,
        definition: QueueDefinition,
        refusal: RuleBroken | None = None,
        turn: Turn = (),
    ) -> tuple[Done, str]:
        """A new queue where no id is given. Raises QueueDefinitionInvalid, and the refusal."""
        queue_id = queue_id or id_of("queue", command)
        done = await self._commands.carry_out(
            command, [queue_id], lambda one: [_unless(refusal, queue.define(one, definition))], with_facts=turn
        )
        return done, queue_id

    async def retire_queue(
        self, command: Command, queue_id: str, refusal: RuleBroken | None = None, turn: Turn = ()
    ) -> Done:
        """It takes no new work; what waits in it is still served. Raises QueueUnknown, and the refusal."""
        return await self._commands.carry_out(
            command, [queue_id], lambda one: [_unless(refusal, queue.retire(one))], with_facts=turn
        )

    async def define_policy(
        self, command: Command, rules: RoutingPolicy, refusal: RuleBroken | None = None, turn: Turn = ()
    ) -> Done:
        """The next version of the routing policy. Raises PolicyInvalid, and the refusal."""
        digest = rules_digest(rules)
        return await self._commands.carry_out(
            command, [POLICY], lambda one: [_unless(refusal, policy.define(one, rules, sha256=digest))], with_facts=turn
        )

    async def define_account(
        self,
        command: Command,
        account_id: str | None,
        definition: AccountDefinition,
        *,
        told_by: str = "",
        accounts: Iterable[Account] = (),
        refusal: RuleBroken | None = None,
        turn: Turn = (),
    ) -> tuple[Done, str]:
        """A new channel account where no id is given. `told_by`: the secret that none of the other accounts may
        share. Raises AccountInvalid.
        """
        account_id = account_id or id_of("account", command)
        others = [one for one in accounts if one.id != account_id]

        def decide(one: Account) -> list[list[Event]]:
            if told_by:
                account.demand_own_secret(definition, told_by, others)
            return [_unless(refusal, account.define(one, definition))]

        return await self._commands.carry_out(command, [account_id], decide, with_facts=turn), account_id

    async def pause_account(self, command: Command, account_id: str, reason: str) -> Done:
        """`resume_account` undoes it. Raises AccountUnknown."""
        return await self._commands.carry_out(command, [account_id], lambda one: [account.pause(one, reason)])

    async def resume_account(
        self, command: Command, account_id: str, refusal: RuleBroken | None = None, turn: Turn = ()
    ) -> Done:
        """Raises AccountUnknown, and the refusal."""
        return await self._commands.carry_out(
            command, [account_id], lambda one: [_unless(refusal, account.resume(one))], with_facts=turn
        )

    async def notice(self, command: Command, account_id: str, kind: str) -> Done:
        """The provider's news of the account itself, as it came at the command's time. Raises AccountUnknown."""
        at = command.at
        return await self._commands.carry_out(command, [account_id], lambda one: [account.notice(one, kind, at)])

    async def admit(
        self, command: Command, *, login: str, name: str, role: Role, password_hash: str, agent_id: str | None
    ) -> tuple[Done, str]:
        """Somebody may sign in. A login name is taken once, for ever. Raises PersonAlreadyThere, ClaimTaken."""
        person_id = id_of("person", command)
        login_claim = self._commands.claim_keys.once("login", login.casefold())

        def decide(one: person.Person) -> list[list[Event]]:
            return [
                person.admit(one, login=login, name=name, role=role, password_hash=password_hash, agent_id=agent_id)
            ]

        done = await self._commands.carry_out(command, [person_id], decide, [login_claim])
        return done, person_id

    async def issue_key(
        self, command: Command, *, name: str, role: Role, account_ids: tuple[str, ...]
    ) -> tuple[Done, str, str]:
        """Returns the new key's id and the key itself, which is shown this once and never stored: a repeat gets ""."""
        person_id = id_of("person", command)
        key = f"onethread_{secrets.token_urlsafe(32)}"

        def decide(one: person.Person) -> list[list[Event]]:
            return [person.issue_key(one, name=name, role=role, key_hash=key_hash(key), account_ids=account_ids)]

        done = await self._commands.carry_out(command, [person_id], decide)
        return done, person_id, "" if done.is_repeat else key

    async def replace_password(self, command: Command, person_id: str, password_hash: str) -> Done:
        """Raises PersonUnknown."""
        return await self._commands.carry_out(
            command, [person_id], lambda one: [person.replace_password(one, password_hash)]
        )

    async def give_role(self, command: Command, person_id: str, role: Role) -> Done:
        """Takes effect on open sockets at once. Raises PersonUnknown."""
        return await self._commands.carry_out(command, [person_id], lambda one: [person.give_role(one, role)])

    async def bar(self, command: Command, person_id: str) -> Done:
        """They are out at once, and the agent they work as is signed out; `readmit` undoes the first.

        Raises PersonUnknown.
        """
        someone, _ = await self._commands.states.load(person_id)

        def decide(one: person.Person, *agents: Agent) -> list[list[Event]]:
            left = [agent.sign_out(working, reason="barred") if working.is_signed_in else [] for working in agents]
            return [person.bar(one), *left]

        streams = [person_id, someone.agent_id] if someone.agent_id else [person_id]
        return await self._commands.carry_out(command, streams, decide)

    async def readmit(self, command: Command, person_id: str) -> Done:
        """Raises PersonUnknown."""
        return await self._commands.carry_out(command, [person_id], lambda one: [person.readmit(one)])


def _unless(refusal: RuleBroken | None, events: list[Event]) -> list[Event]:
    """The events, where nothing is known against them: what is no news, or was carried out before, is not refused."""
    if events and refusal is not None:
        raise refusal
    return events


def id_of(kind: str, command: Command) -> str:
    """A repeated command names the same new thing again."""
    return derived_id(kind, command.claim.key) if command.claim else new_id(kind)
