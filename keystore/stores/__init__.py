"""What the key service remembers: key versions and the uses of keys."""
