"""Phone calls: the rules by which their stages move up."""
