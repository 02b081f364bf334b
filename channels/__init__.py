"""Every medium customers use: what providers send becomes our messages, what agents write leaves.

Read `table.py` first (who can do what), then any medium's file: account settings, verify, parse, send. `payload.py`,
`text.py` and `outgoing.py` are what they share; `mail/` holds the parts of e-mail. Imports domain and application only;
nothing but a `send` does I/O, and time is an argument.
"""
