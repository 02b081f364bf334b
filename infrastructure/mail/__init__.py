"""Mail that is fetched: one connection to a mailbox by IMAP, and how far each of its folders has been read."""
