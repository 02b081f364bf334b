"""Running it: settings and keys, the command line, the demo, and what a server tells of itself."""
