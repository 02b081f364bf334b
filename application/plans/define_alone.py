"""Sets up one queue, or the rules, by themselves: judged beside the shop as a document that says the same would be."""

import asyncio
from collections.abc import Callable, Sequence

from application.commands import Command, Commands, Done
from application.directory import Directory
from application.follower import Follower
from application.plans.alone import queue_alone, retirement_alone, rules_alone
from application.plans.document import Document
from application.plans.judging.judge import judge_alone, judge_retirement
from application.plans.problems import DefinitionRefused, Problem
from application.plans.situation import Situation, situation_of
from application.use_cases.set_up import SetUp, id_of
from application.views import ViewReaders
from domain.event import RuleBroken
from domain.policy import RoutingPolicy
from domain.queue import QueueDefinition

Judge = Callable[[Document, Situation], list[Problem]]
Found = tuple[Sequence[Problem], RuleBroken | None]
"""What there is to say, and the refusal that it comes to, if it does."""


class DefineAlone:
    """Each method carries out one command, and returns warnings too. Safe to repeat with the same claim.

    What leads work to where nobody would ever serve it is refused; what only does not fit who works there now is told
    as a warning. Each raises ViewNotBuilt, ViewsUnreachable.
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
        queue_id = queue_id or id_of("queue", command)
        warnings, refusal = await self._found(command, queue_alone(queue_id, definition), judge_alone)
        done, _ = await self._set_up.define_queue(command, queue_id, definition, refusal)
        return done, queue_id, warnings

    async def define_policy(self, command: Command, rules: RoutingPolicy) -> tuple[Done, Sequence[Problem]]:
        """The next version of the rules. Raises PolicyInvalid, DefinitionRefused."""
        warnings, refusal = await self._found(command, rules_alone(rules), judge_alone)
        return await self._set_up.define_policy(command, rules, refusal), warnings

    async def retire_queue(self, command: Command, queue_id: str) -> Done:
        """It takes no new work; what waits in it is still served.

        Raises QueueUnknown, and DefinitionRefused, which names the accounts and queues that send work into it.
        """
        _, refusal = await self._found(command, retirement_alone(queue_id), judge_retirement)
        return await self._set_up.retire_queue(command, queue_id, refusal)

    async def _found(self, command: Command, document: Document, judge: Judge) -> Found:
        situation = await situation_of(self._directory, self._follower, self._commands.log, self._views, command.at)
        try:
            problems = await asyncio.to_thread(judge, document, situation)  # many agents and much work take a while
        except RuleBroken as broken:
            return [], broken
        is_refused = any(not problem.is_warning for problem in problems)
        return problems, DefinitionRefused(problems) if is_refused else None
