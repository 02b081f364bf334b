"""The router tried on a shop in memory, whose customers and agents are the real aggregates."""
