"""The trials of a study as a table to learn from: which count, and with what score."""
