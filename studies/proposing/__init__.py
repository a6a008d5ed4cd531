"""How the values of the next trial are chosen, and when a trial is stopped."""
