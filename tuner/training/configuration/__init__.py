"""From a configuration to the objects of a training, and what a configuration may name."""
