"""Chats that go on by mail."""
