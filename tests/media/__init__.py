"""Media: where the getter goes and where it does not, what bytes are, and how they are kept."""
