"""Web chat: its frames, and who its visitors are."""
