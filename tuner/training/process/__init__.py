"""A training process from inside: where it begins, what it imports, how its ranks agree."""
