"""Grades of issuers and clients: how far they meet OAuth 2.1, RFC 9700 and FAPI 2.0."""
