"""Where customers' messages come in: one file a door. They check, read with `channels/`, and append at once."""
