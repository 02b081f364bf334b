"""A chat that goes on by mail: what a visitor has seen, and what is sent to them when they have left."""
