"""Proofs: what routing promises, as questions to the whole log. Pure but for `verify`, which reads it.

Reading order: `finding` (what is promised, and a counterexample), `floor` (agents, queues and waiting work as the
events tell them, without the router's help), the promises (`loads`, `offers`, `overtaken`, `idle`, `recomputed`),
`audit` (all of them, fed event by event) and `verify` (over a log).
"""
