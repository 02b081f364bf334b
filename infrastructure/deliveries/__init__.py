"""Raw deliveries on PostgreSQL (`statements`, `store`, `sealing`), and what goes through accounts (`traffic`).

Imports `application`, and the pool, columns and keys of the log.
"""
