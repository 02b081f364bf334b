"""Channels: a provider's payload becomes our message; a scripted provider sees what we send."""
