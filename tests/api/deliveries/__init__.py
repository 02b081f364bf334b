"""Providers' deliveries: kept as they came, answered, read afterwards; parked ones, and how accounts fare."""
