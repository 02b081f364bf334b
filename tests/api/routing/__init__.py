"""Decisions over HTTP and at the command line."""
