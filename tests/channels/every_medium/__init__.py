"""The gates that every medium passes, in one table each."""
