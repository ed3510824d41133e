"""The foundational ID store: the port, and its adapters (plugin room)."""
