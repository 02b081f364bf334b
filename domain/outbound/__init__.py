"""Replies on their way out: what they carry, each attempt to hand them to their channel, and how they fare there."""
