"""optuna-dashboard beside our pages: what it is shown of a database, and how it is served."""
