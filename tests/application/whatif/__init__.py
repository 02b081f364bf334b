"""What-if: histories read from a log, simulated floors, and formulas of queueing theory that they are held against."""
