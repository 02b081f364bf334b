"""What only the web chat needs beside its frames: who a visitor is, and what proves it.

May import what `channels/` may.
"""
