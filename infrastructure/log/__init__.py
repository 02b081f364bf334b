"""The one log on PostgreSQL, in the table layout of the eventsourcing library.

Read in this order: `append.sql` (what an append is), `postgres_log` (the port, put together), `request` (an append
made ready), `writer` (many appends in one call), `calls` (that call, and what became of one whose answer was lost),
`reader` and `tail` (the way out), `mapper` and `keys` (how an event is stored and sealed), `snapshots`, `recorder`
(the tables, and the library's own interface to them). Imports the domain, the application and drivers; nothing else.
"""
