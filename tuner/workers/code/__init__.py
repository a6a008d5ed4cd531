"""The code that a study names: what it is, whether it can be imported here, and whether it may be."""
