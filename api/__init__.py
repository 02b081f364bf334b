"""The outside: HTTP, websockets, the command line, settings, and the one place where everything is put together.

May import everything; nothing imports it.
"""
