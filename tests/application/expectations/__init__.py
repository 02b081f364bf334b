"""Place in line and expected wait: the estimate, who stands where, what is kept and told."""
