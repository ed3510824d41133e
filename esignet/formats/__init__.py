"""Signature formats, one file each: prepare, embed, check, augment, as pure functions."""
