"""Use cases, policies, the router and the parts below them, on the real log."""
