"""Going on with a training as if it had not been left."""
