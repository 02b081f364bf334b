"""The router: a deterministic state machine that says who gets what, and why.

Reading order: `facts` (what it remembers of the log), `wishes` (whom something waits for), `crew` and `lines` (agents
and what waits, as bits), `agenda` (what time alone changes), `state` (those in step with the facts), `evolve` (what
each event changes), `decisions`, `choose` and `rounds` (one sitting: who gets what), `decide` (the way in), `explain`
(why, for every agent), `pull` (what agents may pick themselves). Pure: the same events and the same `now` give the
same decisions, so any recorded decision can be recomputed.

May import the other modules of `domain/` and nothing else.
"""
