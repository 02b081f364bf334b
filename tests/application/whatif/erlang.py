"""Formulas of queueing theory: what a simulated center with one kind of agent and of contact must come to."""

import math


def erlang_b(load: float, agents: int) -> float:
    """Share of calls that find all agents busy where nobody waits. By its recursion.

    Source: A. K. Erlang, 1917; the recursion e.g. in Cooper, Introduction to Queueing Theory, chapter 3.
    """
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def erlang_c(load: float, agents: int) -> float:
    """Share of calls that have to wait, where all wait as long as it takes (M/M/N)."""
    blocked = erlang_b(load, agents)
    return agents * blocked / (agents - load * (1 - blocked))


def mean_wait_seconds(load: float, agents: int, handling_seconds: float) -> float:
    """Of all calls, in M/M/N."""
    return erlang_c(load, agents) * handling_seconds / (agents - load)


def service_level(load: float, agents: int, handling_seconds: float, target_seconds: float) -> float:
    """Share of calls that are answered within the target, in M/M/N."""
    return 1 - erlang_c(load, agents) * math.exp(-(agents - load) * target_seconds / handling_seconds)


def erlang_a(per_second: float, handling_seconds: float, patience_seconds: float, agents: int) -> tuple[float, float]:
    """Share of calls that are abandoned, and share that is answered without waiting, in M/M/N+M.

    From the steady state of the birth-death process, summed up to where it has no weight any more.
    Source: Palm, 1957; Garnett, Mandelbaum, Reiman, "Designing a call center with impatient customers", MSOM 4 (2002).
    """
    weights = [1.0]
    for number in range(1, agents * 20):
        leaving = min(number, agents) / handling_seconds + max(0, number - agents) / patience_seconds
        weights.append(weights[-1] * per_second / leaving)
    total = sum(weights)
    in_line = sum(max(0, number - agents) * weight for number, weight in enumerate(weights)) / total
    return in_line / patience_seconds / per_second, sum(weights[:agents]) / total
