"""Everything that happens by itself, each file one "whenever … then …". May import application and domain only."""
