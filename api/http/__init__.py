"""What every HTTP operation shares. Read `operation.py` first, then `asked.py`, `answer.py`, `serving.py`.

Knows requests, answers and the OpenAPI document; which operations there are stands in `api/routes/` and `api/doors/`.
"""
