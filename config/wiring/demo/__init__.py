"""The demonstration: everything on one machine, with invented residents and a sample service."""
