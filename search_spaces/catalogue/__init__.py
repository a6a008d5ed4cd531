"""The catalogue: ready-made choices of optimizers, regularizers and the rest, with reasons and sources."""
