"""SMS through Twilio: what is believed, what is read, what is sent."""
