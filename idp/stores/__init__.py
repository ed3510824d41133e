"""What must be remembered: tables, queries, and the writes that flows compose into units."""
