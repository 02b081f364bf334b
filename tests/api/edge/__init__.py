"""The edge itself: keys of commands, problems, and how long it waits."""
