"""Whether a signature from anywhere is to be believed, as ETSI EN 319 102-1 judges it."""
