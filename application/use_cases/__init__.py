"""What people and programs ask for: one class a field of work, one method a command.

Read `receive_messages.py` first, then `serve_conversations.py`. May import application and domain only.
"""
