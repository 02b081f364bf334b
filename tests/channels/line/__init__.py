"""LINE: what comes in, what goes out."""
