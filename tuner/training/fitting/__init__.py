"""One fit, watched: its scores, its facts, its length, and its rehearsal."""
