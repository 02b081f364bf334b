"""Whether a document can work in this shop: every reason why not, each with its place."""

from collections import Counter
from collections.abc import Callable

from msgspec.structs import replace

from application.plans.document import Document
from application.plans.judging.case import Case
from application.plans.judging.of_overflow import demand_nothing_comes, judge_overflow
from application.plans.judging.of_queue import demand_opens, has_weighted_choice, judge_queue
from application.plans.judging.reach import can_be_served
from application.plans.problems import Problem
from application.plans.situation import Situation
from domain.policy import ChoiceRule
from domain.queue import QueueDefinition
from domain.routing.facts import Facts, Waiting


def judge(document: Document, situation: Situation) -> list[Problem]:
    """What is wrong, and what is only likely to be, in the order of the file; with what could not even be read."""
    case = Case(document, situation)
    _judge_words(case)
    _judge_dead_ends(case)
    problems = [*document.problems, *case.problems]
    return sorted(problems, key=lambda problem: (problem.line, problem.column, problem.path, problem.reason))


def judge_alone(document: Document, situation: Situation) -> list[Problem]:
    """The same where one queue, or the rules, are set alone, dead ends first.

    Only those count: a shop is opened step by step, and a queue may ask for what nobody can do yet. The rest is told
    as warnings.
    """
    case = Case(document, situation)
    _judge_dead_ends(case)
    dead_ends, case.problems = case.problems, []
    _judge_words(case)
    return [*dead_ends, *(replace(problem, is_warning=True) for problem in case.problems)]


def judge_standing(document: Document, situation: Situation) -> list[Problem]:
    """The same of a document that stands already: nothing can be refused of it, so that all is told as warnings.

    Also what waits now that nobody can serve, which no document that leaves it so is to blame for.
    """
    found = [replace(problem, is_warning=True) for problem in judge(document, situation)]
    case = Case(document, situation)
    _tell_waiting(case, "that nobody can serve", lambda waiting: not can_be_served(case.after, case.roster, waiting))
    return [*found, *(replace(problem, is_warning=True) for problem in case.problems)]


def judge_retirement(document: Document, situation: Situation) -> list[Problem]:
    """What would still bring work into the queues that it gives up. What waits in them is served to its end."""
    case = Case(document, situation)
    for queue_id in sorted(case.plan.retires):
        demand_nothing_comes(case, queue_id, "let it send elsewhere first")
    return case.problems


def _judge_words(case: Case) -> None:
    """Whether what is said fits who works there, and can count."""
    if not case.situation.agents:
        reason = "nobody is registered as an agent yet: whether skills, groups and capacity fit cannot be told"
        case.problems.append(case.document.root.problem(reason, is_warning=True))
    for queue_id, definition in case.definitions():
        judge_queue(case, queue_id, definition)
    if case.plan.rules is not None:
        _judge_policy(case)


def _judge_dead_ends(case: Case) -> None:
    """Whether work could get to where nobody would ever serve it."""
    for queue_id, definition in case.definitions():
        demand_opens(case, queue_id, definition)
    judge_overflow(case)
    if case.plan.rules is not None:
        for queue_id, one in sorted(case.situation.queues.items()):
            if queue_id not in case.document.names and one.definition is not None and not one.is_retired:
                _demand_still_served(case, queue_id, one.definition)
    _demand_nothing_stranded(case)


def _judge_policy(case: Case) -> None:
    at, rules = case.document.at_policy, case.rules
    definitions = [one.definition for one in case.queues.values() if one.definition and not one.is_retired]
    is_weighted = rules.choice is ChoiceRule.WEIGHTED or any(map(has_weighted_choice, definitions))
    for field, company, counts in (
        ("deadline_boost_seconds", "deadline_lead_seconds", rules.deadline_lead_seconds > 0),
        ("language_level", "language_prefix", bool(rules.language_prefix)),
        ("weights", "the choice `weighted`, here or in a queue", is_weighted),
    ):
        if case.document.says("policy", field) and not counts:
            case.problems.append(at(field).problem(f"this counts only with {company}"))
    prefix = rules.language_prefix
    if prefix and case.roster.agents and not any(skill.startswith(prefix) for skill in case.roster.best):
        case.problems.append(at("language_prefix").problem(f"nobody has a skill that begins with {prefix!r}"))


def _demand_still_served(case: Case, queue_id: str, definition: QueueDefinition) -> None:
    """The rules must not take away what a queue that the document does not name can be served by now."""
    channels, is_known = case.channels(queue_id, definition)
    lost = [
        channel
        for channel in channels
        if _is_served(case, case.before, definition, channel) and not _is_served(case, case.after, definition, channel)
    ]
    if lost and (is_known or not any(_is_served(case, case.after, definition, channel) for channel in channels)):
        reason = f"by these rules nobody could serve the queue {definition.name!r} any more ({', '.join(lost)})"
        refused = [channel for channel in lost if case.rules.at_most.get(channel) == 0]
        place = ("at_most", refused[0]) if refused else ()
        case.problems.append(case.document.at_policy(*place).problem(reason))


def _is_served(case: Case, facts: Facts, definition: QueueDefinition, channel: str) -> bool:
    skills, groups = definition.requirement(len(definition.relaxation))
    ask = facts.policy.rules.ask(channel, definition.units.get(channel))
    return bool(case.roster.servers(skills, groups, ask))


def _demand_nothing_stranded(case: Case) -> None:
    """What waits now, and could be served, can be served afterwards too."""

    def is_lost(waiting: Waiting) -> bool:
        is_served = can_be_served(case.after, case.roster, waiting)
        return not is_served and can_be_served(case.before, case.roster, waiting)

    _tell_waiting(case, "now that nobody could serve any more", is_lost)


def _tell_waiting(case: Case, what: str, is_meant: Callable[[Waiting], bool]) -> None:
    """How much of what waits is meant, by queue."""
    stranded: Counter[str] = Counter()
    known: dict[tuple[object, ...], bool] = {}
    for waiting in case.situation.waiting:
        alike = _alike(waiting)
        if alike not in known:
            known[alike] = is_meant(waiting)
        stranded[waiting.queue_id] += known[alike]
    for queue_id, count in sorted(stranded.items()):
        if count:
            is_named = queue_id in case.document.names
            node = case.document.at_queue(queue_id) if is_named else case.document.at_policy()
            waits = "conversation waits" if count == 1 else "conversations wait"
            reason = f"{count} {waits} in {case.name(queue_id)!r} {what}"
            case.problems.append(node.problem(reason))


def _alike(waiting: Waiting) -> tuple[object, ...]:
    """What decides who could serve it."""
    skills = tuple(sorted(waiting.skills.items()))
    return waiting.queue_id, waiting.channel, waiting.language, skills, waiting.overflowed_from
