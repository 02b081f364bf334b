"""Raw deliveries on PostgreSQL: read `statements`, then `store`, then `sealing`.

Imports `application`, and the pool, columns and keys of the log.
"""
