"""What telephone systems tell: `twilio` (signature and forms, SMS included), `live` (events as calls happen), with
`twilio_calls` and `fields`, and call detail records: `records` (rows into calls, whatever wrote them), `asterisk`,
`freeswitch`, `files`.

`channels/phone.py` holds the account's settings and how numbers are read. Nothing here does I/O.
"""
