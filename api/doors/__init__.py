"""Where customers' messages come in: one file a door. They check, read with `channels/`, and append at once.

Only `webhook_door` leaves reading for later: `delivery_reader` and `delivery_taking` do that behind it.
"""
