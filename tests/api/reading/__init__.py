"""What people may read of a customer, over HTTP."""
