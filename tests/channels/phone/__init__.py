"""Phone: numbers and notes, live events, call records."""
