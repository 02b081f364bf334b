"""Where work goes when a queue is too much for it: to queues that take it, and never round in a circle."""

from collections.abc import Iterator

from application.plans.judging.case import Case


def judge_overflow(case: Case) -> None:
    """Adds targets that take no work, and loops, to the case."""
    told: set[frozenset[str]] = set()
    for queue_id, steps, target in _rules(case):
        if target not in case.queues:
            case.refuse(queue_id, "there is no such queue", *steps)
            continue
        if case.queues[target].is_retired:
            case.refuse(queue_id, f"the queue {case.name(target)!r} is retired", *steps)
            continue
        path = _path(case, target, queue_id)
        if path is not None and frozenset(path) not in told:
            told.add(frozenset(path))
            circle = " -> ".join(case.name(one) for one in (queue_id, *path))
            case.refuse(queue_id, f"work would go round in a circle: {circle}", *steps)
    for queue_id in sorted(case.plan.retires):
        _demand_unneeded(case, queue_id)


def _rules(case: Case) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
    """Every rule of the document: its queue, its place in it, and where it leads."""
    for queue_id, definition in case.plan.queues.items():
        for index, rule in enumerate(definition.overflow):
            is_given_up = queue_id in case.plan.retires
            yield queue_id, ("to_queue",) if is_given_up else ("overflow", index, "to_queue_id"), rule.to_queue_id


def _path(case: Case, start: str, goal: str) -> list[str] | None:
    """The queues from one to the other along overflow rules, both included; None where there is no way."""
    ways: list[list[str]] = [[start]]
    seen = {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        definition = case.queues[way[-1]].definition if way[-1] in case.queues else None
        for rule in definition.overflow if definition else ():
            if rule.to_queue_id not in seen:
                seen.add(rule.to_queue_id)
                ways.append([*way, rule.to_queue_id])
    return None


def _demand_unneeded(case: Case, queue_id: str) -> None:
    """A queue is given up only where nothing comes into it, or what comes goes on."""
    if case.situation.queues[queue_id].is_retired:
        return
    if queue_id not in case.plan.queues:
        count = sum(waiting.queue_id == queue_id for waiting in case.situation.waiting)
        if count:
            waits = "conversation waits" if count == 1 else "conversations wait"
            case.refuse(queue_id, f"{count} {waits} in it: say to_queue")
    demand_nothing_comes(case, queue_id, "say to_queue")


def demand_nothing_comes(case: Case, queue_id: str, remedy: str) -> None:
    """Whatever would still bring work into a queue that is given up is told by its name."""
    for account in case.situation.accounts:
        if account.queue_id == queue_id and queue_id not in case.plan.queues:
            case.refuse(queue_id, f"the account {account.name!r} sends its work here: {remedy}")
    for other_id, other in case.queues.items():
        rules = other.definition.overflow if other.definition and not other.is_retired else ()
        if other_id not in case.plan.queues and any(rule.to_queue_id == queue_id for rule in rules):
            case.refuse(queue_id, f"the queue {case.name(other_id)!r} overflows to it")
