"""Why an agent got a contact, told from the log alone: `past` (the router as it stood at a position), `explanation`
(what is told, in four stages), `stages` (how it is put together, pure), `explain_decisions` (found and told).

May import `domain` and the ports of `application`.
"""
