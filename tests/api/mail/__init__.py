"""The doors for mail of a running Onethread: IMAP on a real server, LMTP and SMTP by a real client."""
