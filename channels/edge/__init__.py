"""What several media share: `payload` (reading without trust, what a delivery holds), `text`, and forms of providers.

A medium's own file in `channels/` may import from here; nothing here knows a medium's settings.
"""
