"""Who stamps time: the port, one file per kind of source, and their order (plugin room)."""
