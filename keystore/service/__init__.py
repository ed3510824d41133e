"""The key service as a process: its sockets, what goes over them, and who asks."""
