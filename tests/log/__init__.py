"""The log on a real PostgreSQL: what an append answers, what readers see, and what faults must not break."""
