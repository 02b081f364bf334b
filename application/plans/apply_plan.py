"""Applies a routing document: judged first, then rules and queues in one append, or nothing at all."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from application.commands import Command, Commands, Contended, Done, demand_revision
from application.directory import POLICY, Directory
from application.follower import Follower
from application.log import Claim
from application.plans.document import Document, read_document
from application.plans.in_turn import in_turn
from application.plans.judging.judge import judge, judge_standing
from application.plans.plan import Plan, digest, queue_events, rules_digest
from application.plans.problems import PlanRefused, PlanUnreadable, Problem
from application.plans.situation import Situation, situation_of
from application.views import ViewReaders
from domain import policy, queue
from domain.event import Event
from domain.policy import PolicyDefined

ATTEMPTS_MAX = 3


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A document that may be applied."""

    number: int
    """Of the policy that it was judged beside."""
    sha256: str
    """Of the document in canonical JSON."""
    changes: tuple[str, ...]
    """What it would change: `policy`, and the names of queues; empty where all stands so already."""
    warnings: Sequence[Problem] = ()


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A document that stands."""

    done: Done
    number: int
    """Of the policy that has it."""
    sha256: str
    changes: tuple[str, ...]


class _Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a document beside the shop as it stood."""

    plan: Plan = Plan()
    changes: tuple[str, ...] = ()
    warnings: Sequence[Problem] = ()
    refusal: PlanRefused | None = None


class _Moved(Exception):
    """Somebody else changed a queue or the policy between judging and appending."""


class ApplyPlan:
    """Checks and applies routing documents."""

    def __init__(
        self, commands: Commands, directory: Directory, directory_follower: Follower, views: ViewReaders
    ) -> None:
        self._commands = commands
        self._directory = directory
        self._follower = directory_follower
        self._views = views

    async def check(self, command: Command, raw: bytes, file_name: str = "document") -> Judged:
        """Whether the document may be applied as things stand; changes nothing.

        Raises PlanUnreadable, PlanRefused, RevisionStale, ViewNotBuilt, ViewsUnreachable.
        """
        situation = await self._situation(command)
        demand_revision(command, situation.policy.number)
        verdict = await asyncio.to_thread(_judged, raw, file_name, situation, is_forced=True)
        if verdict.refusal is not None:
            raise verdict.refusal
        return Judged(
            number=situation.policy.number,
            sha256=digest(verdict.plan),
            changes=verdict.changes,
            warnings=verdict.warnings,
        )

    async def apply(
        self, command: Command, raw: bytes, file_name: str = "document", *, is_forced: bool = False
    ) -> Applied:
        """All of it or nothing, as the next number of the policy. `is_forced`: warnings do not count.

        The same document again is not news. Raises what `check` raises, KeyReused, Contended, LogBusy, LogUnreachable.
        """

        async def set_up(situation: Situation, claim: Claim) -> Applied | None:
            verdict = await asyncio.to_thread(_judged, raw, file_name, situation, is_forced=is_forced)
            try:
                done = await self._append(command, verdict, situation, claim)
            except _Moved:
                return None
            number = await self._number(done, situation)
            return Applied(done=done, number=number, sha256=digest(verdict.plan), changes=verdict.changes)

        for _ in range(ATTEMPTS_MAX):
            applied = await in_turn(self._commands.claim_keys, lambda: self._situation(command), set_up)
            if applied is not None:
                return applied
        raise Contended

    async def _situation(self, command: Command) -> Situation:
        return await situation_of(self._directory, self._follower, self._commands.log, self._views, command.at)

    async def _append(self, command: Command, verdict: _Verdict, situation: Situation, claim: Claim) -> Done:
        """The queues, then the policy, whose position is that of the whole. A refusal counts only if all is fresh."""
        plan = verdict.plan
        queue_ids = plan.queue_ids

        def decide(*states: Any) -> list[list[Event]]:
            *queues, rules = states
            demand_revision(command, rules.number)
            known = [situation.queues.get(queue_id, queue.NEW) for queue_id in queue_ids]
            if rules != situation.policy or queues != known:
                raise _Moved
            if verdict.refusal is not None:
                raise verdict.refusal
            events = [queue_events(plan, queue_id, one) for queue_id, one in zip(queue_ids, queues, strict=True)]
            return [*events, [_defined(plan, situation)] if verdict.changes else []]

        return await self._commands.carry_out(command, [*queue_ids, POLICY], decide, with_facts=[claim])

    async def _number(self, done: Done, situation: Situation) -> int:
        """A repeat tells the number of the first time."""
        last = await self._commands.log.at(done.position)
        return last.version if last is not None and last.stream == POLICY else situation.policy.number


def _judged(raw: bytes, file_name: str, situation: Situation, *, is_forced: bool) -> _Verdict:
    """Runs beside the loop: a large document takes seconds."""
    try:
        document = read_document(raw, situation.queues, file_name)
    except PlanUnreadable as unreadable:
        return _Verdict(refusal=unreadable)
    changes = _changes(document, situation)
    if not changes and not document.problems:
        return _Verdict(plan=document.plan, warnings=judge_standing(document, situation))
    problems = judge(document, situation)
    warnings = [problem for problem in problems if problem.is_warning]
    if document.problems:
        return _Verdict(refusal=PlanUnreadable(problems, file_name))
    if len(problems) > len(warnings) or (warnings and not is_forced):
        return _Verdict(refusal=PlanRefused(problems, file_name))
    return _Verdict(plan=document.plan, changes=changes, warnings=warnings)


def _changes(document: Document, situation: Situation) -> tuple[str, ...]:
    """What is not so already."""
    plan, stands = document.plan, situation.policy
    is_other = plan.rules is not None and not (stands.number and plan.rules == stands.rules)
    changed = [
        document.names[queue_id]
        for queue_id in plan.queue_ids
        if queue_events(plan, queue_id, situation.queues.get(queue_id, queue.NEW))
    ]
    return (*(["policy"] if is_other else []), *sorted(changed))


def _defined(plan: Plan, situation: Situation) -> PolicyDefined:
    """Also where only queues change: whoever asks which routing a decision was taken by, asks for one number."""
    rules = plan.rules or situation.policy.rules
    (event,) = policy.define(policy.NEW, rules, sha256=rules_digest(rules))
    assert isinstance(event, PolicyDefined)  # a policy is said at once
    return replace(event, document_sha256=digest(plan))
