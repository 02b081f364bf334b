"""Proofs: what routing promises, as questions to the whole log. Pure but for `verify`, which reads it.

Reading order: `finding` (what is promised, and a counterexample), `items`, `room` and `floor` (waiting work, agents and
queues as the events tell them, without the router's help), `leads` (when there was a router), then the promises:
`loads`, `offers`, `scan`, `idle`, `recomputed`; `audit` (all of them, fed event by event) and `verify` (over a log).
"""
