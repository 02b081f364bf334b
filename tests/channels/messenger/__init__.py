"""Facebook Messenger: what comes in, what goes out."""
