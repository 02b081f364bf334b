"""The views: for each its row, its fold and its version. `view.py` first. May import application and domain only."""
