"""What the domain decides, refuses and ignores: no fixtures, no I/O. `situations` is what the tests begin with."""
