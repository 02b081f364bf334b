"""The router: a deterministic state machine that says who gets what, and why.

Reading order: `state` (the facts it keeps), `lines` and `agenda` (those facts in order, so that a decision scans
nothing), `evolve` (what each event of the log changes), `decide` (who gets what now), `explain` (why, for every agent).
Pure: the same events and the same `now` give the same decisions, so any recorded decision can be recomputed.

May import the other modules of `domain/` and nothing else.
"""
