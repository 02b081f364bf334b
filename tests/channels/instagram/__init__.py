"""Instagram: what comes in, what goes out."""
