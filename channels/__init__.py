"""Every medium customers use: what providers send becomes our messages, what agents write leaves.

Read `table.py` first (who can do what), then any medium's file: account settings, verify, parse, send. `edge/` holds
what they share, `mail/` the parts of e-mail. Imports domain and application only;
nothing but a `send` does I/O, and time is an argument.
"""
