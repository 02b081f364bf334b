"""Threads of mail: subjects compared, mails placed and moved."""
