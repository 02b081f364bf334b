"""An explanation for a terminal: four stages, one below the other, and a table of everybody who was considered."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from application.explaining.explanation import (
    Assignment,
    CandidateShown,
    Classification,
    Explanation,
    Intake,
    Queued,
    Step,
    Unassigned,
    WhyNot,
)
from domain.policy import ChoiceRule

AGENT = re.compile(r"agent-[\w-]+")
CANDIDATES_MAX = 40
"""Rows of the table; `--json` has all of them."""
Lines = Iterable[tuple[str, str]]
"""Name and value; a line without a value is left out."""


def printed(told: Explanation) -> Iterator[RenderableType]:
    """The parts of the answer, from the top."""
    names = _names(told.assignment.candidates)
    winner = names.get(told.assignment.agent_id, told.assignment.agent_id)
    yield Text(f"{told.offer_id}: {told.conversation_id} offered to {winner}", style="bold")
    yield _stage("1  intake", _intake(told.intake))
    yield _stage("2  classification", _named(_classification(told.classification), names))
    yield _stage("3  queue", _queue(told.queue))
    yield _stage("4  assignment", _named(_assignment(told), names))
    if told.assignment.candidates:
        made = told.assignment
        merit = made.rule if made.rule != ChoiceRule.LONGEST_IDLE else ""
        yield _table(made.candidates, made.eligible, merit, made.agent_id)
    yield from _why_not(told.why_not, names)
    yield _verdict(told.assignment)


def printed_otherwise(told: Unassigned | Step) -> Iterator[RenderableType]:
    """The same of what waits and of what routing did beside offering."""
    if isinstance(told, Step):
        yield Text(f"position {told.position}: {told.topic} of {told.conversation_id}", style="bold")
        yield _stage("what", [("", told.what)])
        yield _stage("why", [("", told.because), ("policy", f"version {told.policy_version}")])
        again = "Recomputed from the log at that moment: the same." if told.recomputed else "Told from the event alone."
        yield Text(f"\n{again}", style="bold green" if told.recomputed else "dim")
        return
    yield Text(f"{told.conversation_id} waits; nobody has it at {_moment(told.at)}", style="bold")
    yield _stage("1  intake", _intake(told.intake))
    names = _names(told.candidates)
    yield _stage("2  classification", _named(_classification(told.classification), names))
    yield _stage(
        "3  queue", [*_queue(told.queue), ("closed", "nobody is asked until it opens" if told.is_closed else "")]
    )
    if told.candidates:
        yield _table(told.candidates, sum(one.rank is not None for one in told.candidates))
    yield from _why_not(told.why_not, names)


def _stage(title: str, lines: Lines) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in lines:
        if value:
            table.add_row(name, Text(value))
    return Group(Text(f"\n{title}", style="bold cyan"), table)


def _intake(intake: Intake | None) -> Lines:
    if intake is None:
        return [("", "the events before the offer can no longer be read")]
    message = intake.first_message_position
    return [
        ("came in", f"{_moment(intake.occurred_at)} on {intake.channel}, {intake.account_id}"),
        ("recorded", f"{_moment(intake.recorded_at)} at position {intake.position}"),
        ("first message", f"position {message}" if message else "none"),
        ("opened again", f"{intake.reopened} times" if intake.reopened else ""),
    ]


def _classification(known: Classification) -> Lines:
    adjusted = known.age_adjustment_seconds
    return [
        ("priority", str(known.priority)),
        ("tier", known.tier),
        ("language", known.language),
        ("sentiment", known.sentiment),
        ("due", _moment(known.due_at) if known.due_at else ""),
        ("age adjusted", f"{adjusted:+d} s" if adjusted else ""),
        ("known agent", known.known_agent_id or ""),
        ("named agent", known.preferred_agent_id or ""),
    ]


def _queue(queue: Queued) -> Lines:
    parts = " + ".join(f"{name} {seconds:g}" for name, seconds in queue.parts.items())
    return [
        ("queue", f"{queue.name or 'without a name'} ({queue.queue_id})"),
        ("since", f"{_moment(queue.entered_at)}, position {queue.position}"),
        ("customer waits", f"since {_moment(queue.waiting_since)}"),
        ("asks for", _levels(queue.requirement) or "nothing in particular"),
        ("prefers", _levels(queue.preferred)),
        ("served by", ", ".join(queue.groups)),
        ("relaxed by", f"{queue.step} steps of the timetable" if queue.step else ""),
        ("overflowed from", ", ".join(queue.overflowed_from)),
        ("takes", f"{queue.units} load units"),
        ("score", f"{queue.score:g} s" + (f" = {parts}" if parts else "")),
        ("place", f"{queue.place} of {queue.waiting} that waited"),
    ]


def _assignment(told: Explanation) -> Lines:
    made = told.assignment
    if made.ordinal is None:
        how = f", {made.how}" if made.how else ""
        return [
            ("chosen by", f"{made.decided_by}{how}: a person's choice, not the router's"),
            ("when", f"{_moment(made.decided_at)}, position {told.position}"),
        ]
    return [
        ("decided", f"{_moment(made.decided_at)}, having read the log up to position {made.position}"),
        ("as", f"decision {made.ordinal} of that moment, offered at position {told.position}"),
        ("policy", f"version {made.policy_version}, rule {made.rule}"),
        ("preference", made.preference),
        ("named agent", f"passed over, {made.passed_over}" if made.passed_over else ""),
        ("winner", made.agent_id),
        ("runner-up", made.runner_up or "nobody"),
        ("because", made.tie_break),
    ]


def _table(candidates: Sequence[CandidateShown], eligible: int, merit: str = "", winner: str = "") -> RenderableType:
    has_preference = any(one.preference for one in candidates)
    more = [name for name in (merit, has_preference and "preferred as") if name]
    table = Table("", Column("agent", overflow="fold"), "idle since", *more, "why not")
    for one in candidates[:CANDIDATES_MAX]:
        style = "green" if one.agent_id == winner else "" if one.rank else "dim"
        agent = f"{one.name} ({one.agent_id})" if one.name else one.agent_id
        idle = "" if one.idle_since.year == 1970 else _moment(one.idle_since)
        counted = ["" if one.merit is None else f"{one.merit:g}"] if merit else []
        preferred = [one.preference] if has_preference else []
        why_not = Text("\n".join(one.excluded))
        table.add_row(str(one.rank or ""), Text(agent), idle, *counted, *preferred, why_not, style=style)
    title = Text(f"\n{eligible} of {len(candidates)} could be asked", style="bold cyan")
    left_out = len(candidates) - CANDIDATES_MAX
    return Group(title, table, *([Text(f"and {left_out} more, see --json", style="dim")] if left_out > 0 else []))


def _why_not(why: WhyNot | None, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """The answer, where somebody asked."""
    if why is not None:
        otherwise = f"{why.winner_otherwise} would have got it" if why.winner_otherwise else ""
        lines = [("", why.answer), ("otherwise", otherwise)]
        yield _stage(f"why not {names.get(why.agent_id, why.agent_id)}?", _named(lines, names))


def _verdict(made: Assignment) -> Text:
    if made.unproven:
        return Text(f"\nUnproven: {made.unproven}.", style="yellow")
    match made.recomputed:
        case None:
            return Text("\nNothing to recompute: the router did not decide this.", style="dim")
        case True:
            return Text("\nRecomputed from the log: the same winner.", style="bold green")
        case _:
            return Text(f"\nRecomputed from the log: NOT the same, but {made.recomputed_as}.", style="bold red")


def _names(candidates: Sequence[CandidateShown]) -> dict[str, str]:
    """By agent's id: `Ola (agent-ola)`."""
    return {one.agent_id: f"{one.name} ({one.agent_id})" for one in candidates if one.name}


def _named(lines: Lines, names: Mapping[str, str]) -> Lines:
    """With the name beside each agent's id."""
    return [(title, AGENT.sub(lambda found: names.get(found[0], found[0]), value)) for title, value in lines]


def _levels(skills: Mapping[str, int]) -> str:
    return ", ".join(f"{skill} {level}" for skill, level in sorted(skills.items()))


def _moment(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="milliseconds")
