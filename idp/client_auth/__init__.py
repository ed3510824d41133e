"""How a client proves who it is at the token endpoint: one file per method (plugin room)."""
