"""How the tables came to be what they are: one revision for each change, for SQLite and PostgreSQL alike."""
