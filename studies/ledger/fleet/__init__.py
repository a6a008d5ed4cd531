"""The workers of a database, what launched them, and what each does."""
