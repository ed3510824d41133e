"""SQLite and PostgreSQL behind one door: reads, and units of conditional writes."""
