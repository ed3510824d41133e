"""Envelopes of JSON Object Signing and Encryption: JWS written and read, JWE, JWK."""
