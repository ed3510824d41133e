"""Ways to prove who one is: the contract, and one file per factor (plugin room)."""
