"""Routing documents: read, judged, applied and written."""
