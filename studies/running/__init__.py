"""The life of a trial: asked for, reported, told; and what becomes of those that nobody tells."""
