"""Websockets: `people_socket.py` for those who work here, `visitor_socket.py` for web chat.

`connection.py` has the close codes, `asyncapi.py` the document of both.
"""
