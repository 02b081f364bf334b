"""X direct messages: what is believed, what is read, what is sent."""
