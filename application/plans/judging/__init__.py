"""What is judged about a plan beside the shop: `judge` begins, `case` is what all look at."""
