"""Commands about routing: why a decision was made, and whether all of them kept the rules."""
