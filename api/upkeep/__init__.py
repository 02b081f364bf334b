"""For those who look after a deployment or audit it: is it well, what happened in it, and how is it spoken to."""
