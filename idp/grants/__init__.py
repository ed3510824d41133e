"""Ways to obtain tokens: the contract, and one file per grant type (plugin room)."""
