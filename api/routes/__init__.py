"""What people and integrations may ask over HTTP: one file a resource, one function an operation.

`table.py` lists them all. Each function is an operation of `api/http/operation.py`; its docstring is its documentation.
"""
