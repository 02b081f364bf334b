"""Mail on its way in: hooks of providers, and whose mailbox an address is."""
