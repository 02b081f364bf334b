"""Kill, stall, cut off, restart: nothing acknowledged is lost, and everything comes back by itself."""
