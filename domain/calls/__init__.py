"""Phone calls: from the first ring to what is known when they are over.

Read `stages.py` (the events, and how far a call came), then `intake.py` (what each telling of a call comes to).
"""
