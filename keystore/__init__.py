"""Keys: who may use which, how they are made, rotated and kept, and what is signed with them."""
