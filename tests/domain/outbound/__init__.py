"""What leaves for a customer, and how it fares."""
