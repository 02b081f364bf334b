"""Seeded random days on the real log, every step of which must keep the promises. A failure prints its seed."""
