"""What the contact center does: use cases, policies, projections and the router, on ports that infrastructure fills in.

Read `log` first (the port everything stands on), then `use_cases`; `policies` is everything that happens by itself,
`projections` the views. May import `domain`; never a server, driver or framework.
"""
