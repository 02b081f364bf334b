"""WeCom customer service: what is believed, what is read, what is sent."""
