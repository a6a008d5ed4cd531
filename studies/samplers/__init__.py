"""How the values of the next trial are chosen."""
