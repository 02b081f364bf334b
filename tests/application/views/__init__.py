"""Views: how they follow the log, are read, pushed and rebuilt."""
