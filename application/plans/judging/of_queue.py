"""Whether each queue of a document can be served by somebody, and whether all that is said of it can count."""

from application.plans.judging.case import Case
from application.plans.problems import did_you_mean
from domain.policy import ChoiceRule
from domain.queue import Limit, Promise, QueueDefinition

EVERYBODY = "*"


def judge_queue(case: Case, queue_id: str, definition: QueueDefinition) -> None:
    """Adds what is wrong with the queue to the case."""
    if case.roster.agents:
        _demand_known_words(case, queue_id, definition)
        _demand_servers(case, queue_id, definition)
    _demand_steps_count(case, queue_id, definition)
    _demand_company(case, queue_id, definition)


def demand_opens(case: Case, queue_id: str, definition: QueueDefinition) -> None:
    """A queue that never opens is served by nobody, whoever works there; nor is what waits when it closes for good."""
    hours, at = definition.opening_hours, case.situation.at
    if hours is None:
        return
    if not hours.is_open(at) and hours.next_change(at) is None:
        case.refuse(queue_id, "it is never open", "opening_hours")
    elif not any(hours.weekly.values()):
        last = max(day for day, spans in hours.special.items() if spans)
        reason = f"after {last} it is never open again: no weekday has hours"
        goes_on = any(rule.when is not Limit.LENGTH for rule in definition.overflow)
        if goes_on or not any(waiting.queue_id == queue_id for waiting in case.situation.waiting):
            case.warn(queue_id, reason, "opening_hours")
        else:
            case.refuse(queue_id, f"{reason}, and work waits in it", "opening_hours")


def _demand_known_words(case: Case, queue_id: str, definition: QueueDefinition) -> None:
    """Skills that somebody has, groups that somebody is in."""
    best, groups = case.roster.best, case.roster.groups
    for field, skills in (
        ("required_skills", definition.required_skills),
        ("preferred_skills", definition.preferred_skills),
    ):
        for skill in skills:
            if skill not in best:
                case.refuse(queue_id, f"nobody has this skill{did_you_mean(skill, best)}", field, skill)
    for index, group in enumerate(definition.groups):
        if group not in groups:
            case.refuse(queue_id, f"nobody is in the group {group!r}{did_you_mean(group, groups)}", "groups", index)
    for number, step in enumerate(definition.relaxation):
        for index, group in enumerate(step.widen):
            if group not in groups and group != EVERYBODY:
                reason = f"nobody is in the group {group!r}{did_you_mean(group, groups)}"
                case.refuse(queue_id, reason, "relaxation", number, "widen", index)


def _demand_servers(case: Case, queue_id: str, definition: QueueDefinition) -> None:
    """Somebody must be able to serve it, at the latest after the last step of its timetable."""
    skills, groups = definition.requirement(len(definition.relaxation))
    best = case.roster.best
    if any(skill not in best for skill in skills) or (groups and not case.roster.groups & set(groups)):
        return  # told already
    too_high = {skill: level for skill, level in skills.items() if level > best[skill]}
    for skill, level in too_high.items():
        reason = f"nobody has {skill!r} at level {level}; the highest is {best[skill]}"
        case.refuse(queue_id, reason, "required_skills", skill)
    if too_high:
        return
    channels, is_known = case.channels(queue_id, definition)
    asks = {channel: case.rules.ask(channel, definition.units.get(channel)) for channel in channels}
    servers = {channel: case.roster.servers(skills, groups, ask, at_least=2) for channel, ask in asks.items()}
    unserved = [channel for channel, some in servers.items() if not some]
    if is_known or len(unserved) == len(servers):
        for channel in unserved if is_known else [min(unserved, key=lambda one: asks[one].units)]:
            _refuse_unserved(case, queue_id, definition, channel, is_known=is_known)
    only = {agent_id for some in servers.values() for agent_id in some}
    if len(only) == 1:
        (agent_id,) = only
        case.warn(queue_id, f"only one agent could serve it: {case.situation.agents[agent_id].name or agent_id}")


def _refuse_unserved(case: Case, queue_id: str, definition: QueueDefinition, channel: str, *, is_known: bool) -> None:
    skills, groups = definition.requirement(len(definition.relaxation))
    ask = case.rules.ask(channel, definition.units.get(channel))
    able = case.roster.able(skills, groups, channel, at_least=len(case.roster.agents))
    work = f"its work by {channel}" if is_known else "it"
    if not able:
        wanted = [f"{skill} at level {level}" for skill, level in skills.items()]
        wanted += [f"a place in {' or '.join(groups)}"] if groups else []
        wanted += [f"leave to serve {channel}"] if is_known else []
        case.refuse(queue_id, f"nobody could ever serve {work}: no agent has {' and '.join(wanted)}")
    elif ask.at_most == 0:
        case.refuse(queue_id, f"nobody could ever serve {work}: the policy allows 0 of {channel} at once")
    else:
        most = max(case.situation.agents[agent_id].capacity for agent_id in able)
        reason = f"nobody could ever serve {work}: it takes {ask.units} units, and those who could have at most {most}"
        case.refuse(queue_id, reason, "units", *([channel] if is_known else []))


def _demand_steps_count(case: Case, queue_id: str, definition: QueueDefinition) -> None:
    """Steps of the timetable drop what is asked for, and change something."""
    prefix = case.rules.language_prefix
    for number, step in enumerate(definition.relaxation):
        before, after = definition.requirement(number), definition.requirement(number + 1)
        strange = [
            index
            for index, skill in enumerate(step.drop)
            if skill not in before[0] and not (prefix and skill.startswith(prefix))
        ]
        for index in strange:
            reason = f"{step.drop[index]!r} is not asked for by then"
            case.refuse(queue_id, reason, "relaxation", number, "drop", index)
        drops_language = len(strange) < len(step.drop)
        if before == after and not strange and not drops_language:
            case.warn(queue_id, "this step changes nothing", "relaxation", number)


def _demand_company(case: Case, queue_id: str, definition: QueueDefinition) -> None:
    """What counts only together with something else is not said without it."""
    for field in ("service_level_target", "next_reply_seconds"):
        if case.says(queue_id, field) and not case.says(queue_id, "service_level_seconds"):
            case.refuse(queue_id, "there is no deadline to it: say service_level_seconds too", field)
    for index, rule in enumerate(definition.overflow):
        if case.says(queue_id, "overflow", index, "within_seconds") and rule.promise is Promise.NONE:
            reason = "this counts only with a promise"
            case.refuse(queue_id, reason, "overflow", index, "within_seconds")
        if rule.when is not Limit.CLOSED:
            continue
        if case.says(queue_id, "overflow", index, "limit"):
            case.refuse(queue_id, "`closed` has no limit", "overflow", index, "limit")
        if definition.opening_hours is None:
            case.refuse(queue_id, "it never closes: it has no opening_hours", "overflow", index, "when")


def has_weighted_choice(definition: QueueDefinition) -> bool:
    """Whether the policy's weights count in the queue."""
    return definition.choice is ChoiceRule.WEIGHTED
