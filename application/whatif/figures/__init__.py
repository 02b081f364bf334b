"""What a recorded or simulated stretch of time came to.

Reading order: `counting` and `ledger` (from events to measures), `bands` (many runs), `report`, `plot`.
"""
