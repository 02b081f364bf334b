"""The demo: a small shop on real servers, with customers and agents who come in through the real doors.

Read `run.py` first, then `shop.py` (who there is), `customers.py` with `media.py` (what they write, in whose format),
`agents.py`, `outside.py` (where replies go) and `screen.py`. Nothing outside the command line imports it.
"""
