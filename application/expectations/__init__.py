"""Place in line and expected wait of all that waits, with a band, and how well that came true.

Read `pace.py` (the estimate), `standings.py` (who stands where), `expectation.py` (what is told, and the port), then
`expect_waits.py`, which runs beside the router. May import application and domain only.
"""
