"""Sets up one queue, the rules or an account by themselves: judged beside the shop, as a document would be."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from application.commands import Command, Commands, Done
from application.directory import Directory
from application.follower import Follower
from application.log import Claim
from application.plans.alone import queue_alone, retirement_alone, rules_alone
from application.plans.document import Document
from application.plans.in_turn import in_turn
from application.plans.judging.judge import judge_alone, judge_retirement
from application.plans.plan import sent_on_to
from application.plans.problems import DefinitionRefused, Problem
from application.plans.situation import Situation, situation_of, standing_of
from application.use_cases.set_up import SetUp, Turn, id_of
from application.views import ViewReaders
from domain.account import AccountDefinition
from domain.event import RuleBroken
from domain.policy import RoutingPolicy
from domain.queue import QueueDefinition, QueueRetiredAlready

Judge = Callable[[Document, Situation], list[Problem]]
Found = tuple[Sequence[Problem], RuleBroken | None]
"""What there is to say, and the refusal that it comes to, if it does."""


class DefineAlone:
    """Each method carries out one command, and returns warnings too. Safe to repeat with the same claim.

    What leads work to where nobody would ever serve it is refused; what only does not fit who works there now is told
    as a warning. Each raises Contended, ViewNotBuilt, ViewsUnreachable.
    """

    def __init__(
        self, commands: Commands, directory: Directory, directory_follower: Follower, views: ViewReaders
    ) -> None:
        self._commands = commands
        self._directory = directory
        self._follower = directory_follower
        self._views = views
        self._set_up = SetUp(commands)

    async def define_queue(
        self, command: Command, queue_id: str | None, definition: QueueDefinition
    ) -> tuple[Done, str, Sequence[Problem]]:
        """A new queue where no id is given. Raises QueueDefinitionInvalid, DefinitionRefused."""
        named = queue_id or id_of("queue", command)

        async def set_up(refusal: RuleBroken | None, turn: Turn) -> Done:
            return (await self._set_up.define_queue(command, named, definition, refusal, turn))[0]

        done, warnings = await self._in_turn(command, queue_alone(named, definition), judge_alone, set_up)
        return done, named, warnings

    async def define_policy(self, command: Command, rules: RoutingPolicy) -> tuple[Done, Sequence[Problem]]:
        """The next version of the rules. Raises PolicyInvalid, DefinitionRefused."""

        async def set_up(refusal: RuleBroken | None, turn: Turn) -> Done:
            return await self._set_up.define_policy(command, rules, refusal, turn)

        return await self._in_turn(command, rules_alone(rules), judge_alone, set_up)

    async def retire_queue(self, command: Command, queue_id: str) -> Done:
        """It takes no new work; what waits in it is still served.

        Raises QueueUnknown, and DefinitionRefused, which names the accounts and queues that send work into it.
        """

        async def set_up(refusal: RuleBroken | None, turn: Turn) -> Done:
            return await self._set_up.retire_queue(command, queue_id, refusal, turn)

        done, _ = await self._in_turn(command, retirement_alone(queue_id), judge_retirement, set_up)
        return done

    async def define_account(
        self, command: Command, account_id: str | None, definition: AccountDefinition, *, told_by: str = ""
    ) -> tuple[Done, str]:
        """A new channel account where no id is given. `told_by`: the secret that no other account may share.

        Raises AccountInvalid, QueueRetiredAlready where its work would go from now on to a queue that takes none.
        """
        named = account_id or id_of("account", command)

        async def set_up(situation: Situation, claim: Claim) -> Done:
            known = self._directory.accounts.get(named)
            before = known.definition.queue_id if known and known.definition else ""
            done, _ = await self._set_up.define_account(
                command,
                named,
                definition,
                told_by=told_by,
                accounts=list(self._directory.accounts.values()),
                refusal=_closed(situation, definition.queue_id) if definition.queue_id != before else None,
                turn=[claim],
            )
            return done

        return await in_turn(self._commands.claim_keys, lambda: self._standing(command), set_up), named

    async def resume_account(self, command: Command, account_id: str) -> Done:
        """Raises AccountUnknown, QueueRetiredAlready."""

        async def set_up(situation: Situation, claim: Claim) -> Done:
            known = self._directory.accounts.get(account_id)
            refusal = _closed(situation, known.definition.queue_id) if known and known.definition else None
            return await self._set_up.resume_account(command, account_id, refusal, [claim])

        return await in_turn(self._commands.claim_keys, lambda: self._standing(command), set_up)

    async def _in_turn(
        self,
        command: Command,
        document: Document,
        judge: Judge,
        set_up: Callable[[RuleBroken | None, Turn], Awaitable[Done]],
    ) -> tuple[Done, Sequence[Problem]]:
        async def judged(situation: Situation, claim: Claim) -> tuple[Done, Sequence[Problem]]:
            warnings, refusal = await _found(document, situation, judge)
            return await set_up(refusal, [claim]), warnings

        return await in_turn(self._commands.claim_keys, lambda: self._situation(command), judged)

    async def _situation(self, command: Command) -> Situation:
        return await situation_of(self._directory, self._follower, self._commands.log, self._views, command.at)

    async def _standing(self, command: Command) -> Situation:
        return await standing_of(self._directory, self._follower, self._commands.log, command.at)


def _closed(situation: Situation, queue_id: str) -> RuleBroken | None:
    """Why no new work may be sent to the queue; one that is given up may send it on."""
    known = situation.queues.get(queue_id)
    return QueueRetiredAlready() if known and known.is_retired and sent_on_to(known) is None else None


async def _found(document: Document, situation: Situation, judge: Judge) -> Found:
    try:
        problems = await asyncio.to_thread(judge, document, situation)  # many agents and much work take a while
    except RuleBroken as broken:
        return [], broken
    is_refused = any(not problem.is_warning for problem in problems)
    return problems, DefinitionRefused(problems) if is_refused else None
