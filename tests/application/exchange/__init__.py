"""Sending and what it may spend, as pure values: time is an argument."""
