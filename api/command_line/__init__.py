"""The command `onethread`: `__main__` names every command, each of the others holds some of them."""
