"""Routing over HTTP and at the command line: definitions, what people may do about waiting work, decisions told."""
