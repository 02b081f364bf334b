"""Calls: told in any order, by several processes, and some whose end nobody told."""
