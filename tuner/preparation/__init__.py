"""From a request to a study that is sure to run."""
