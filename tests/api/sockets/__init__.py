"""Sockets of people and of visitors, through real clients."""
