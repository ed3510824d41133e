"""The composition root: what plugs into what, and the processes that are made of it."""
