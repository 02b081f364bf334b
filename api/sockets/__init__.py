"""Websockets: `people_socket.py` for those who work here, `visitor_socket.py` for web chat. `asyncapi.json` documents both."""
