"""The parts of push: `feed` reads a view for all who watch it, `viewer` is one socket's backlog, `frames` what is sent.

Read `application/push.py` first. May import application and domain only.
"""
