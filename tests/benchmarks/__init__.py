"""Measured figures, with units and ratios: `make bench` prints them, nothing here runs by default."""
