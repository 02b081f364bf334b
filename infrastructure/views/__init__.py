"""The views on PostgreSQL, each a table for every build of it, behind a name that always means the live one.

Read in this order: `registry` (which builds there are), `store` (how a build moves on: fenced, in one statement),
`board_store` and `timeline_store` (the two table shapes), `readers` and `cursors` (the way out), `builds` and
`comparison` (a new build beside the live one), `session` and `columns` (the wire). Imports the application, the
log package's connections and columns, and psycopg.
"""
