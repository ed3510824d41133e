"""What a signature's bytes are made of, one builder per kind: from an approved digest only."""
