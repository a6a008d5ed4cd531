"""What `tuner dashboard` serves: our pages, optuna-dashboard beside them, and the health of both."""
