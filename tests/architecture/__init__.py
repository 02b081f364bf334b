"""The rules of the house, held by tests: who may import whom, and how files and names look."""
