"""What specifications say about signing, as pure functions over frozen values."""
