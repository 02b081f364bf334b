"""What a contact center knows and decides: values, events and pure functions.

Read `event` first, then one aggregate from top to bottom: refusals, events, state, `evolve`, decisions.
Imports nothing of Onethread, no server, driver or framework, and has no clock, chance, I/O or async.
"""
