"""Key backends: whatever can hold keys and use them; one module per scheme of key references."""
