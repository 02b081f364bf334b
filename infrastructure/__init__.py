"""The technologies: how the application's ports are met by PostgreSQL, NATS and the rest, one folder or file each.

Read `embedded` to see where the servers come from, then the adapter of the port you are after: the two share a word.
May import `application` and `domain`; never `channels` or `api`.
"""
