"""What people and programs ask for, on the real log."""
