"""What channels share at their edges, tested as channels use it."""
