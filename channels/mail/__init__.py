"""The parts of e-mail: what `channels/email.py` reads and writes mail with.

Reading order: `structure.py` (bytes to parts), `charsets.py`, `headers.py`, `bodies.py`, then `threads.py` and
`automatic.py` on what a mail is about, and `sending.py` for the way out. Nothing here raises on what a mail says.
"""
