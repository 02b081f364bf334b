"""Mail, read for real: quotations, machines, threads, markup, trust."""
