"""Seals of organisations: made by two parties together, the organisation's own word and ours."""
