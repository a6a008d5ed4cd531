"""What the joint model knows beside the trials: priors, and what a repeatable study hides."""
