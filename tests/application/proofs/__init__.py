"""Every promise of routing against histories that keep it, and against histories that break it."""
