"""PostgreSQL and NATS as parts of the program: started, supervised and stopped by us, nothing to install.

Read `servers` (what callers use), `sharing` (who may start and stop), `keeper` (the process that supervises),
then `postgres`, `nats` and `account` (as whom PostgreSQL runs). Other binaries: `programs()` in `postgres` or `nats`.
Imports the standard library and msgspec only, and nothing else of Onethread: a keeper starts in a tenth of a second.
"""
