"""Routing over HTTP: definitions, what people may do about waiting work, and agents whose connection is lost."""
