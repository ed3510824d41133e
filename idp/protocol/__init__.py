"""What the specifications say, as pure functions over frozen values: no I/O, clock or dice."""
