"""Media: fetched, refused, and those that came along."""
