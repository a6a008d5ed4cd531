"""The parts of the joint model: priors, limits, what a repeatable study hides, scale, places, improvement."""
