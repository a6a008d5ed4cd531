"""What is known of the studies of a database, for our pages and for optuna-dashboard alike."""
