"""What can be downloaded, how it is served, and to whom."""
