"""Everything that differs between a test run and production."""
