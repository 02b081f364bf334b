"""Whole stories through the real doors of a real server: customers write, agents answer, every screen shows it."""
