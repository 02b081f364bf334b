"""Who asks, and what they may.

`permissions.py` is the table, `ownership.py` whose a thing is, `authentication.py` tokens and keys.
"""
