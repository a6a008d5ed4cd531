"""What each parameter and each pair explains, with intervals, and how far the trials can be trusted."""
