"""Threads of mail: which conversation a mail joins, and how one moves to another.

Read `subjects.py`, `mails.py` (what is known of each mail), `moves.py` (the events), `placing.py` (the decision).
"""
