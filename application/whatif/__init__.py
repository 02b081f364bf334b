"""What if: recorded arrivals, routed once more by the same engine under other rules or with other agents.

Reading order: `recorded/` (what the log says, and the proof that the engine decides today as it did), `roster` (who is
to be different; what rules are is said in `application/plans/`), `staffing` and `scenario` (a history with those
differences), `doubts` (what speaks against the rules), `floor` and `shifts` (the simulated contact center),
`replications` (many seeded runs), `figures/` (what came of it).

May import the other modules of `application/` and `domain/`. Nothing here writes to the log.
"""
