"""What the log says of a stretch of time.

Reading order: `times` (how long things take, of which some were cut off), `history`, `recording` (reads a history out
of events), `identity` (the engine takes every recorded decision again), `reading` (the log, for both).
"""
