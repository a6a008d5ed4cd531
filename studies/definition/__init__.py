"""Which question a study asks: a study file read, checked, and kept as a frozen value."""
