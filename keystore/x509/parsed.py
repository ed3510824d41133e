"""Certificates of our own authority, which are read again and again: parsed once."""

from cryptography.x509 import load_der_x509_certificate

from keystore.der.remembering import remembering

parsed = remembering(load_der_x509_certificate, kept=64, longest=4096)
"""Returns the certificate that octets in DER are, or raises ValueError."""
