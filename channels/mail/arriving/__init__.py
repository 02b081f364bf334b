"""How mail gets to us: account settings, which mailbox an address belongs to, and the hooks of mail providers.

Read `settings`, `mailboxes`, then `hooks` with `proofs`, `forms` and `fetched`. IMAP and LMTP themselves are in
`infrastructure/mail` and `api/doors`.
"""
