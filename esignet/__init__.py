"""Document signatures with keys held in an HSM. The room is reserved; nothing stands here yet."""
