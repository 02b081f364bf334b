"""What happens by itself, on the real log."""
