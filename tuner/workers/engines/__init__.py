"""Where workers can be started elsewhere than in this run: engines, and what each is asked for."""
