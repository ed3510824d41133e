"""Ways to send a message to a resident: the port, and one file per channel (plugin room)."""
