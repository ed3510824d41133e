"""Everything that differs between a test run and production."""

VERSION = "0.1.0"
"""The version of this program (Semantic Versioning 2.0)."""
