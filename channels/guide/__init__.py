"""What an operator must know to set a channel account up, as values. Imports the channels for their defaults."""
