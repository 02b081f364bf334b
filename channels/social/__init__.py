"""The parts of the social media: what WhatsApp, Messenger, Instagram, Telegram and LINE are read and answered with.

Reading order: `reading.py` (what all share), then of each medium who is who (`_people`, `_events`), what is said
(`_content`), and what a refusal means (`_sending`; for Meta's three `channels/edge/graph.py`). Nothing here raises on
what a message says, or knows a medium's settings.
"""
