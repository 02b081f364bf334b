"""What if: recorded arrivals, routed once more by the same engine under other rules or with other agents.

Reading order: `times` (how long things take, as recorded), `history` (what a stretch of the log says), `identity` (the
engine takes every recorded decision again), `plan` and `roster` (what is to be different), `floor` (the simulated
contact center), `ledger` (waits, service level, occupancy: of a recorded log and of a simulated one alike),
`replications` (many seeded runs and their confidence bands), `report` and `plot`.

May import the other modules of `application/` and `domain/`. Nothing here writes to the log.
"""
