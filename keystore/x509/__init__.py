"""Certificates of the X.509 kind."""
