"""Why an agent got a contact: put together purely, and found on the real log."""
