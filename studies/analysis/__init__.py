"""What the trials of a study say: what mattered, what interacts, and how sure that is."""
