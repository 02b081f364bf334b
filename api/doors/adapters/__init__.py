"""The adapter door: messages of other systems, in our own form, over HTTP and over NATS. Read `reading.py` first."""
