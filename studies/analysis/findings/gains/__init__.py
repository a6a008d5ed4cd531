"""What tuning gained from the defaults to the best, over all and parameter by parameter."""
