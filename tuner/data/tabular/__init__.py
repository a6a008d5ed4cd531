"""A table made ready: its columns told apart, its rows split, and encoded by what the training rows say."""
