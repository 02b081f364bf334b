"""HTTP and sockets, through real clients against a real server: every status, every role, and what nobody may see."""
